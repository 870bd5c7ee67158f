import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { listRuns, type Run } from '../../src/state/runs.ts'
import { slotsOf, type Slot } from '../../src/state/slots.ts'
import { assertBot, readState } from '../support/bot-scene.ts'
import { makeBot, until, type Bot } from '../support/bot.ts'
import { makeFolder } from '../support/local.ts'

const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))
const needFaketime = { skip: library ? false : 'giving a process another time needs the package libfaketime' }

const hour = 3_600_000
const noticedMs = 40_000 // the service looks at its clock every 15 s; this machine may be busy with other things, too

/** The real service in a time of its own: wall time only, as when somebody sets the clock. */
interface TimeMachine {
  bot: Bot
  /** Sets the service's clock to this instant; it runs on from there. */
  set(instant: string | number): void
  now(): number
  slots(): Promise<Slot[]>
  runs(): Promise<Run[]>
  backups(): Promise<string[]>
  /** Looks until it holds. */
  until(what: string, condition: (slots: Slot[]) => boolean): Promise<void>
}

async function travel(t: TestContext, startAt: string, strategy: string): Promise<TimeMachine> {
  const clockFile = join(await makeFolder(t), 'clock')
  let offset = 0
  const set = (instant: string | number): void => {
    offset = new Date(instant).getTime() - Date.now()
    writeFileSync(`${clockFile}.new`, `${offset < 0 ? '-' : '+'}${(Math.abs(offset) / 1_000).toFixed(3)}\n`)
    renameSync(`${clockFile}.new`, clockFile) // the service reads it all the time: never half of it
  }
  set(startAt)
  const bot = await makeBot({
    strategies: '',
    serviceEnvironment: {
      LD_PRELOAD: library!,
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  })
  t.after(() => bot.remove())
  const file = join(bot.folder, 'shop.db')
  const shop = new DatabaseSync(file)
  shop.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT); INSERT INTO orders VALUES (1, 'pen')")
  shop.close()
  const text = readFileSync(bot.configPath, 'utf8').trimEnd()
  writeFileSync(
    bot.configPath,
    `${text}\n  - { name: shop, database_url: "sqlite://${file}", ${strategy} }\n`,
  )
  await bot.start()
  const slots = (): Promise<Slot[]> => readState(bot, (db) => slotsOf(db, 'shop'))
  return {
    bot,
    set,
    now: () => Date.now() + offset,
    slots,
    runs: () => readState(bot, (db) => listRuns(db, { limit: 1_000 })),
    backups: () =>
      readState(bot, async (db) =>
        (await db.selectFrom('backups').select('id').orderBy('created_at').execute()).map(({ id }) => id),
      ),
    until: (what, condition) => until(async () => condition(await slots()), what, noticedMs),
  }
}

/** Each slot once, each of its runs with one end, and all that holds after any fault. */
async function assertTimes({ bot, slots, runs }: TimeMachine): Promise<void> {
  await until(async () => (await runs()).every(({ endedAt }) => endedAt !== null), 'every run ended')
  const taken = (await slots()).filter(({ run }) => run !== null)
  const made = (await runs()).filter(({ slotAt }) => slotAt !== null)
  const sorted = (instants: (number | null)[]): number[] => instants.map(Number).toSorted((a, b) => a - b)
  assert.deepEqual(sorted(made.map(({ slotAt }) => slotAt)), sorted(taken.map(({ at }) => at)))
  await assertBot(bot)
}

const ranAt = (slots: Slot[]): string[] =>
  slots.filter(({ run }) => run !== null).map(({ at }) => new Date(at).toISOString().slice(0, 16))
const hasRun = (at: string) => (slots: Slot[]) => ranAt(slots).includes(at)

suite('the clock of the real service (promise 8)', { concurrency: 8, ...needFaketime }, () => {
  test('an hour forward runs what was missed once, and an hour back runs nothing twice', async (t) => {
    const machine = await travel(
      t,
      '2026-06-10T09:40:00Z',
      'schedule: 1h, retention: { max_age: 1d, min_keep: 1 }',
    )
    machine.set('2026-06-10T10:00:01Z')
    await machine.until('the slot of 10:00 ran', hasRun('2026-06-10T10:00'))
    machine.set(machine.now() + 3 * hour)
    await machine.until('the newest missed slot ran', hasRun('2026-06-10T13:00'))
    assert.deepEqual(ranAt(await machine.slots()), ['2026-06-10T10:00', '2026-06-10T13:00'])
    machine.set('2026-06-10T11:59:58Z')
    await new Promise((next) => setTimeout(next, 17_000)) // one look of the scheduler, and what it would start
    const again = ranAt(await machine.slots())
    assert.deepEqual(again.filter((at) => at === '2026-06-10T10:00').length, 1)
    assert.ok(
      again.every((at) => ['10', '12', '13'].includes(at.slice(11, 13))),
      again.join(),
    )
    await assertTimes(machine)
  })

  test('ten years forward start one backup and delete none of the newest; back again slots run on', async (t) => {
    const machine = await travel(
      t,
      '2026-06-10T09:40:00Z',
      'schedule: 1h, retention: { max_age: 1h, min_keep: 2 }',
    )
    machine.set('2026-06-10T10:00:01Z')
    await machine.until('the slot of 10:00 ran', hasRun('2026-06-10T10:00'))
    await until(async () => (await machine.backups()).length === 1, 'its backup is there')
    const [before] = await machine.backups()
    machine.set('2036-06-10T10:20:00Z')
    await machine.until('one slot of 2036 ran', hasRun('2036-06-10T10:00'))
    await until(async () => (await machine.backups()).length === 2, 'its backup is there')
    assert.ok((await machine.backups()).includes(before!))
    machine.set('2026-06-10T11:00:01Z')
    await machine.until('the slot of 11:00 of this year ran', hasRun('2026-06-10T11:00'))
    assert.deepEqual(ranAt(await machine.slots()), [
      '2026-06-10T10:00',
      '2026-06-10T11:00',
      '2036-06-10T10:00',
    ])
    await until(async () => (await machine.backups()).length === 3, 'its backup is there')
    assert.ok(
      (await machine.backups()).includes(before!),
      'the clock is before the newest backup: nothing is deleted',
    )
    await assertTimes(machine)
  })

  test('1970 starts nothing twice, and deletes nothing', async (t) => {
    const machine = await travel(
      t,
      '2026-06-10T09:40:00Z',
      'schedule: 1h, retention: { max_age: 1h, min_keep: 1 }',
    )
    machine.set('2026-06-10T10:00:01Z')
    await machine.until('the slot of 10:00 ran', hasRun('2026-06-10T10:00'))
    machine.set('1970-01-02T00:00:10Z')
    const asked = await machine.bot.command('run', 'shop', '--wait')
    assert.equal(asked.code, 0, asked.stderr)
    assert.equal((await machine.backups()).length, 2)
    machine.set('2026-06-10T11:00:01Z')
    await machine.until('the slot of 11:00 ran', hasRun('2026-06-10T11:00'))
    assert.deepEqual(
      ranAt(await machine.slots()).filter((at) => at > '2000'),
      ['2026-06-10T10:00', '2026-06-10T11:00'],
    )
    await assertTimes(machine)
  })

  test('after eight hours of sleep one slot is caught up, and each other one is recorded', async (t) => {
    const machine = await travel(t, '2026-06-10T09:40:00Z', 'schedule: 1h')
    machine.set('2026-06-10T10:00:01Z')
    await machine.until('the slot of 10:00 ran', hasRun('2026-06-10T10:00'))
    process.kill(machine.bot.pid(), 'SIGSTOP')
    machine.set(machine.now() + 8 * hour)
    process.kill(machine.bot.pid(), 'SIGCONT')
    await machine.until('the slot of 18:00 ran', hasRun('2026-06-10T18:00'))
    const slots = await machine.slots()
    assert.deepEqual(ranAt(slots), ['2026-06-10T10:00', '2026-06-10T18:00'])
    assert.equal(slots.filter(({ skipped }) => skipped !== null).length, 7)
    const trigger = (await machine.runs()).find(({ slotAt }) => slotAt === Date.parse('2026-06-10T18:00Z'))
    assert.equal(trigger?.trigger, 'catch-up')
    await assertTimes(machine)
  })

  // A wall time that is skipped runs once, at the first instant that exists; one that comes twice runs the first time.
  for (const [where, zone, at, before, expected, hourLater] of [
    [
      'New York skips 02:30',
      'America/New_York',
      '02:30',
      '2026-03-08T06:40:00Z',
      '2026-03-08T07:00',
      '2026-03-08T08:00:20Z',
    ],
    [
      'New York has 01:30 twice',
      'America/New_York',
      '01:30',
      '2026-11-01T05:10:00Z',
      '2026-11-01T05:30',
      '2026-11-01T06:30:20Z',
    ],
    [
      'Berlin has 02:30 twice',
      'Europe/Berlin',
      '02:30',
      '2026-10-25T00:10:00Z',
      '2026-10-25T00:30',
      '2026-10-25T01:30:20Z',
    ],
    [
      'Lord Howe has 01:45 twice',
      'Australia/Lord_Howe',
      '01:45',
      '2026-04-04T14:20:00Z',
      '2026-04-04T14:45',
      '2026-04-04T15:15:20Z',
    ],
  ] as const)
    test(`in the night in which ${where} a backup at that time runs once`, async (t) => {
      const machine = await travel(t, before, `timezone: ${zone}, schedule: { every: 1d, at: '${at}' }`)
      machine.set(`${expected}:01Z`)
      await machine.until('the slot ran', hasRun(expected))
      machine.set(hourLater)
      await new Promise((next) => setTimeout(next, 16_000)) // one look of the scheduler
      assert.deepEqual(ranAt(await machine.slots()), [expected])
      await assertTimes(machine)
    })
})
