import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { reap, recover } from '../../src/engine/recover.ts'
import { listCopies } from '../../src/state/catalogue.ts'
import { claimRun } from '../../src/state/runs.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { identityOf, runVariable, strays } from '../../src/sys/strays.ts'
import { startPostgres } from '../support/postgres.ts'
import { fillSample, makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../support/crash-at.ts')
const quiet = new AbortController().signal

/** A folder with one good backup in it, to be copied for each crash. */
async function seeded(t: TestContext): Promise<string> {
  const folder = await makeWorldFolder(t)
  const world = await openWorld(folder, { clock: systemClock })
  assert.equal((await world.backup()).state, 'succeeded')
  await world.close()
  return folder
}

/** The state knows absolute paths, so each copy takes the place of the one before. */
async function crash(
  folder: string,
  kind: 'backup' | 'restore',
  at: number,
): Promise<{ isDone: boolean; text: string }> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, String(at), kind]
  const child = await run(process.execPath, argv).catch((error: { stdout: string; signal: string }) => error)
  if ('signal' in child) assert.equal(child.signal, 'SIGKILL')
  return { isDone: child.stdout.startsWith('done'), text: child.stdout }
}

for (const kind of ['backup', 'restore'] as const)
  test(`a ${kind} killed at any durable step has one end after the next start, told, and nothing left (promises 3, 6, 7)`, async (t) => {
    const folder = await seeded(t)
    const kept = await mkdtemp(join(tmpdir(), 'easy-backup-kept-'))
    t.after(() => rm(kept, { recursive: true }))
    await cp(folder, kept, { recursive: true })
    const seen = new Set<string>()
    for (let at = 1; ; at++) {
      await rm(folder, { recursive: true })
      await cp(kept, folder, { recursive: true })
      const { isDone, text } = await crash(folder, kind, at)
      seen.add(await lookAfter(folder, kind, at))
      if (!isDone) continue
      t.diagnostic(`${at - 1} steps: ${text.trim()}`)
      assert.match(text, /^done succeeded/)
      break
    }
    assert.deepEqual([...seen].toSorted(), ['interrupted', 'not accepted', 'queued', 'succeeded'])
  })

/** @returns how the run ended */
async function lookAfter(folder: string, kind: 'backup' | 'restore', at: number): Promise<string> {
  const world = await openWorld(folder, { clock: systemClock })
  try {
    await recover(world.context)
    await recover(world.context)
    const [view] = (await world.engine.runs({ limit: 9 })).filter((one) => one.kind === kind)
    const isNew = view && (kind === 'restore' || view.queuedAt > systemClock.now())
    await world.deliver()
    await assertWorld(world, { open: view?.state === 'queued' })
    const good = (await world.engine.backups({ limit: 9 })).filter((backup) => backup.corrupt === null)
    assert.ok(good.length > 0, `no backup is left after step ${at}`)
    const leftovers = (await readdir(folder)).filter((name) => name.includes('.partial'))
    assert.deepEqual(leftovers, [], `step ${at}`)
    return isNew ? view.state : 'not accepted'
  } catch (error) {
    throw new Error(`after step ${at}: ${(error as Error).message}`, { cause: error })
  } finally {
    await world.close()
  }
}

/** A run of a process that is gone, as its row says. */
async function deadRun(world: World): Promise<string> {
  const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
  const { context } = world
  const gone = { ...identityOf(process.pid), startTicks: 1 }
  await context.database.write((tx) => claimRun(tx, gone, context.clock.now(), () => true))
  return id
}

suite('recovery takes only what the dead left (promise 7)', () => {
  test('a run of a process that lives is left alone', async (t) => {
    const world = await makeWorld(t)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const { context } = world
    await context.database.write((tx) => claimRun(tx, context.self, context.clock.now(), () => true))
    await recover(context)
    assert.equal((await world.engine.run(id)).state, 'running')
  })

  test('the lease of a dead run is free again', async (t) => {
    const world = await makeWorld(t, { clock: systemClock })
    const id = await deadRun(world)
    assert.deepEqual(await recover(world.context), [id])
    assert.equal((await world.backup()).state, 'succeeded')
    await assertWorld(world)
  })

  test('sessions on a server that only --target-url named are ended, too', async (t) => {
    const [own, other] = [await startPostgres(), await startPostgres()]
    t.after(() => Promise.all([own.close(), other.close()]))
    await fillSample(own, 'shop', 10)
    const world = await makeWorld(t, { postgres: own })
    await world.backup()
    const ask = { backup: 'latest', strategy: 'shop', targetDb: null, noOwner: false, reason: null }
    const request = await world.engine.requestRestore({ ...ask, targetUrl: other.url('shop_again') }, person)
    const { run: id } = await world.engine.confirm(request.id, request.version, person)
    const dead = { pid: 2 ** 22 + 1, startTicks: 1, bootId: 'another' }
    await world.context.database.write((tx) => claimRun(tx, dead, systemClock.now(), () => true))
    const left = new pg.Client({
      connectionString: other.url('postgres'),
      application_name: `easy-backup ${id}`,
    })
    left.on('error', () => undefined)
    await left.connect()
    const ended = new Promise((resolve) => left.once('end', resolve))
    assert.deepEqual(await recover(world.context), [id])
    await ended
  })

  test('temp_dir may be shared: a folder of another living process stays', async (t) => {
    const world = await makeWorld(t)
    for (const [name, owner] of [
      ['r261120060000aaaa', identityOf(process.pid)],
      ['r261120060000bbbb', { ...identityOf(process.pid), startTicks: 1 }],
      ['plan-aaaa-1', { ...identityOf(process.pid), bootId: 'another' }],
    ] as const) {
      await mkdir(join(world.tempDir, name))
      await writeFile(join(world.tempDir, name, 'owner.json'), JSON.stringify(owner))
    }
    await mkdir(join(world.tempDir, 'somebody-elses'))
    await recover(world.context)
    assert.deepEqual((await readdir(world.tempDir)).toSorted(), ['r261120060000aaaa', 'somebody-elses'])
  })

  test('a killed command that was no run leaves no file and no process beside a living service', async (t) => {
    const world = await makeWorld(t, { clock: systemClock })
    const open = await deadRun(world)
    await world.context.database.write((tx) =>
      tx.updateTable('runs').set({ state: 'queued' }).where('id', '=', open).execute(),
    )
    const dead = { ...identityOf(process.pid), startTicks: 1 }
    const owners = {
      r261120060000aaaa: identityOf(process.pid),
      r261120060000bbbb: dead,
      'plan-aaaa-1': dead,
      [open]: dead, // whoever carries it out sees to it
    }
    for (const [name, owner] of Object.entries(owners)) {
      await mkdir(join(world.tempDir, name))
      await writeFile(join(world.tempDir, name, 'owner.json'), JSON.stringify(owner))
      await writeFile(join(world.tempDir, name, 'passphrase'), 'words')
    }
    const agent = spawn('sleep', ['600'], { env: { ...process.env, [runVariable]: 'r261120060000bbbb' } })
    t.after(() => agent.kill())
    assert.deepEqual(await reap(world.context), [])
    assert.deepEqual(strays(new Set(['r261120060000bbbb'])), [])
    assert.deepEqual((await readdir(world.tempDir)).toSorted(), ['r261120060000aaaa', open].toSorted())
  })

  test('a place may be shared: what another installation is writing stays, for a day', async (t) => {
    const world = await makeWorld(t, { clock: systemClock })
    await world.backup()
    const storage = world.context.storages.get('disk')!
    const key = 'shop/2026/11/shop-20261119T060000Z-zzzz/shop.db.gz'
    await storage.put(key, bytesSpool(Buffer.from('unfinished')), { ifAbsent: true, signal: quiet })
    await recover(world.context)
    assert.ok(await storage.head(key, quiet))
    const past = new Date(systemClock.now() - 25 * 3_600_000)
    await utimes(join(world.storageDir, key), past, past)
    await recover(world.context)
    assert.equal(await storage.head(key, quiet), null)
    await assertWorld(world)
  })

  test('a manifest that cannot be read does not keep the rest from being tidied', async (t) => {
    const world = await makeWorld(t, { clock: systemClock })
    const { backup } = await world.backup()
    const storage = world.context.storages.get('disk')!
    const key = 'shop/2026/11/shop-20261119T060000Z-aaaa/manifest.json'
    await storage.put(key, bytesSpool(Buffer.from('{}')), { ifAbsent: true, signal: quiet })
    await world.context.database.write((tx) => tx.deleteFrom('backups').execute())
    await recover(world.context)
    const copies = await listCopies(world.context.database.read, {})
    assert.deepEqual(
      copies.map(({ id }) => id),
      [backup!.id],
    )
  })

  test('an unmounted disk takes nothing out of the catalogue', async (t) => {
    const world = await makeWorld(t, { clock: systemClock })
    await world.backup()
    await rm(world.storageDir, { recursive: true })
    await mkdir(world.storageDir)
    await recover(world.context)
    assert.equal((await world.engine.backups({ limit: 9 })).length, 1)
    await assert.rejects(world.engine.syncCatalogue(), { code: 'storage-missing' })
    assert.equal((await world.engine.backups({ limit: 9 })).length, 1)
  })
})
