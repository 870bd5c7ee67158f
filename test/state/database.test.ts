import { spawn } from 'node:child_process'
import { once } from 'node:events'
import assert from 'node:assert/strict'
import { mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { openDatabase, type Database } from '../../src/state/database.ts'
import { firstTime, leader, noteLeader, resignLeader } from '../../src/state/memory.ts'
import { migrations } from '../../src/state/migrations.ts'
import {
  changeRun,
  claimRun,
  endRun,
  findRun,
  insertRun,
  listRuns,
  type NewRun,
} from '../../src/state/runs.ts'
import { lastSlot, slotsOf, takeSlot } from '../../src/state/slots.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { identityOf } from '../../src/sys/strays.ts'
import { makeFolder } from '../support/local.ts'

async function opened(t: TestContext, folder: string): Promise<Database> {
  const database = await openDatabase(folder, systemClock)
  t.after(() => database.close())
  return database
}

const newRun = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  id,
  kind: 'backup',
  strategy: 'shop',
  series: '',
  trigger: 'person',
  actor: { via: 'cli', id: 'ann' },
  slotAt: null,
  lease: 'backup/shop',
  params: {},
  maxAttempts: 1,
  ...more,
})

const self = identityOf(process.pid)

suite('the state file', () => {
  test('it is private, and made anew only when there is none', async (t) => {
    const folder = join(await makeFolder(t), 'state')
    const database = await opened(t, folder)
    await database.write((tx) => insertRun(tx, newRun('a'), 1))
    assert.equal((await stat(join(folder, 'state.db'))).mode & 0o777, 0o600)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    const again = await opened(t, folder)
    assert.equal((await listRuns(again.read, { limit: 9 })).length, 1)
  })

  for (const [what, spoil] of [
    [
      'no database at all',
      (path: string) => writeFile(path, 'not a database, but long enough to look like a file '.repeat(40)),
    ],
    ['cut in half', (path: string) => truncate(path, 6_000)],
    ['a folder', (path: string) => mkdir(path)],
  ] as const)
    test(`${what}: it says so, what to do, and leaves it as it is`, async (t) => {
      const folder = await makeFolder(t)
      if (what !== 'a folder') await (await openDatabase(folder, systemClock)).close()
      await spoil(join(folder, 'state.db'))
      const failure = openDatabase(folder, systemClock).then(async (database) =>
        listRuns(database.read, { limit: 9 }).finally(() => database.close()),
      )
      await assert.rejects(failure, (error: Error & { code?: string }) => {
        t.diagnostic(`${error.code}: ${error.message}`)
        return error.code === 'state-corrupt'
      })
      assert.ok((await readdir(folder)).includes('state.db'))
    })

  test('a state of a newer version is refused', async (t) => {
    const folder = await makeFolder(t)
    await (await openDatabase(folder, systemClock)).close()
    const file = new DatabaseSync(join(folder, 'state.db'))
    file.exec(`PRAGMA user_version = ${migrations.length + 1}`)
    file.close()
    await assert.rejects(openDatabase(folder, systemClock), { code: 'state-corrupt', message: /newer/ })
  })

  test('a state of each older version is brought forward', async (t) => {
    for (let version = 0; version <= migrations.length; version++) {
      const folder = await makeFolder(t)
      const file = new DatabaseSync(join(folder, 'state.db'))
      for (const statements of migrations.slice(0, version)) file.exec(statements)
      file.exec(`PRAGMA user_version = ${version}`)
      file.close()
      const database = await opened(t, folder)
      await database.write((tx) => takeSlot(tx, { strategy: 'shop', at: 1, run: null, skipped: 'x' }, 1))
      assert.equal(await lastSlot(database.read, 'shop', 2), 1)
    }
  })

  test('a transaction that fails leaves nothing', async (t) => {
    const database = await opened(t, await makeFolder(t))
    const failing = database.write(async (tx) => {
      await insertRun(tx, newRun('a'), 1)
      throw new Error('in the middle')
    })
    await assert.rejects(failing, /in the middle/)
    assert.deepEqual(await listRuns(database.read, { limit: 9 }), [])
  })

  test('a lock held by another process is waited for without blocking the event loop', async (t) => {
    const folder = await makeFolder(t)
    const database = await opened(t, folder)
    const other = new DatabaseSync(join(folder, 'state.db'))
    other.exec('BEGIN IMMEDIATE')
    const written = database.write((tx) => insertRun(tx, newRun('a'), 1))
    const begun = performance.now()
    for (let beats = 0; beats < 40; beats++) await new Promise((resolve) => setTimeout(resolve, 10))
    const tookMs = performance.now() - begun
    other.exec('COMMIT')
    await written
    other.close()
    t.diagnostic(`forty beats in ${Math.round(tookMs)} ms`)
    assert.ok(tookMs < 10_000, `forty beats took ${tookMs} ms`) // one by one they would wait for lockPatienceMs
  })
})

suite('runs and leases', () => {
  test('forty claims at once from two connections give each run away once, and one per lease', async (t) => {
    const folder = await makeFolder(t)
    const [one, two] = [await opened(t, folder), await opened(t, folder)]
    for (let index = 0; index < 10; index++) {
      const lease = `backup/s${index % 5}`
      await one.write((tx) => insertRun(tx, newRun(`r${index}`, { strategy: `s${index % 5}`, lease }), index))
    }
    const claimed = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 ? one : two).write((tx) => claimRun(tx, self, 1, () => true)),
      ),
    )
    const ids = claimed.flatMap((run) => (run ? [run.id] : []))
    assert.deepEqual(ids.toSorted(), ['r0', 'r1', 'r2', 'r3', 'r4'])
  })

  test('a run ends once: later ends and changes are refused, and its lease is free', async (t) => {
    const database = await opened(t, await makeFolder(t))
    await database.write((tx) => insertRun(tx, newRun('a'), 1))
    await database.write((tx) => claimRun(tx, self, 2, () => true))
    const end = (outcome: 'succeeded' | 'failed') =>
      database.write((tx) => endRun(tx, 'a', { outcome, at: 3, result: null, fault: null }))
    assert.deepEqual(await Promise.all([end('succeeded'), end('failed'), end('failed')]), [
      true,
      false,
      false,
    ])
    assert.equal(await database.write((tx) => changeRun(tx, 'a', { stage: 'dump' })), false)
    const run = await findRun(database.read, 'a')
    assert.deepEqual([run?.state, run?.stage, run?.endedAt], ['succeeded', null, 3])
    await database.write((tx) => insertRun(tx, newRun('b'), 4))
    assert.equal((await database.write((tx) => claimRun(tx, self, 5, () => true)))?.id, 'b')
  })
})

suite('small memories', () => {
  test('a slot is taken once; a skip by a clock that was ahead does not count once it is right again', async (t) => {
    const database = await opened(t, await makeFolder(t))
    const take = (at: number, run: string | null, now: number): Promise<boolean> =>
      database.write((tx) => takeSlot(tx, { strategy: 'shop', at, run, skipped: run ? null : 'missed' }, now))
    assert.equal(await take(100, 'r1', 100), true)
    assert.equal(await take(100, 'r2', 101), false)
    assert.equal(await take(200, null, 9_000), true)
    assert.equal(await lastSlot(database.read, 'shop', 250), 100)
    assert.equal(await take(200, 'r3', 200), true)
    assert.equal(await take(200, 'r4', 100), false, 'what ran never runs again')
    const settled = await slotsOf(database.read, 'shop')
    assert.deepEqual(
      settled.map(({ at, run }) => [at, run]),
      [
        [100, 'r1'],
        [200, 'r3'],
      ],
    )
  })

  test('of twenty deliveries of one envelope the first is told so', async (t) => {
    const folder = await makeFolder(t)
    const databases = [await opened(t, folder), await opened(t, folder)]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        databases[index % 2]!.write((tx) => firstTime(tx, 'envelope', 5)),
      ),
    )
    assert.equal(answers.filter(Boolean).length, 1)
  })

  test('one process leads, whatever its number says, until it lets go or dies', async (t) => {
    const folder = await makeFolder(t)
    const [first, second] = [await opened(t, folder), await opened(t, folder)]
    const held = first.hold()
    assert.ok(held)
    assert.equal(second.hold(), null)
    held.release()
    const script = `
      const { openDatabase } = await import(${JSON.stringify(import.meta.resolve('../../src/state/database.ts'))})
      const { systemClock } = await import(${JSON.stringify(import.meta.resolve('../../src/sys/clock.ts'))})
      const database = await openDatabase(process.argv[1], systemClock)
      console.log(database.hold() ? 'held' : 'refused')
      setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ['--input-type=module', '-e', script, folder])
    assert.equal(String(await once(other.stdout, 'data')).trim(), 'held')
    assert.equal(second.hold(), null)
    const gone = once(other, 'exit')
    other.kill('SIGKILL')
    await gone
    second.hold()!.release()
  })

  test('only its own lead is resigned', async (t) => {
    const database = await opened(t, await makeFolder(t))
    const lead = (pid: number) => ({ pid, startTicks: pid, bootId: 'b', role: 'serve' }) as const
    await database.write((tx) => noteLeader(tx, lead(2)))
    await database.write((tx) => resignLeader(tx, lead(1)))
    assert.equal((await leader(database.read))?.pid, 2)
  })
})
