import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { markerKey } from '../../src/core/keys.ts'
import type { Manifest } from '../../src/core/model.ts'
import { listCopies } from '../../src/state/catalogue.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { makeWorld, makeWorldFolder, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const mayMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
const needMount = { skip: mayMount ? false : 'mounting a small disk needs root' }

async function smallDisk(t: TestContext, size: string): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'easy-backup-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk])
  t.after(() => {
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  return disk
}

/** Text that hardly compresses, in a database of about 4 MB. */
async function fillLarge(world: World): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(join(world.folder, 'shop.db'))
  database.exec(`CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
    SELECT i, hex(randomblob(500)) AS text FROM n`)
  database.close()
}

suite('a disk that is full', () => {
  test(
    'temp_dir: the run says so, nothing is left, and once there is room the next one works',
    needMount,
    async (t) => {
      const tempDir = await smallDisk(t, '2m')
      const world = await makeWorld(t, { tempDir, global: { retry: { max_attempts: 3 } } })
      assert.equal((await world.backup()).state, 'succeeded')
      await fillLarge(world)
      const run = await world.backup()
      assert.deepEqual([run.state, run.fault?.code, run.attempt], ['failed', 'disk-full', 1])
      assert.match(run.fault?.hint ?? '', /temp_dir/)
      await assertWorld(world)
      execFileSync('mount', ['-o', 'remount,size=50m', tempDir])
      assert.equal((await world.backup()).state, 'succeeded')
      await assertWorld(world)
    },
  )

  test(
    'storage: the run says so, the backups before it are whole, and nothing partial is left',
    needMount,
    async (t) => {
      const storageDir = await smallDisk(t, '1m')
      const world = await makeWorld(t, { storageDir })
      assert.equal((await world.backup()).state, 'succeeded')
      await fillLarge(world)
      const run = await world.backup()
      assert.deepEqual([run.state, run.fault?.code], ['failed', 'disk-full'])
      await assertWorld(world)
      assert.equal((await world.engine.backups({ limit: 9 })).length, 1)
    },
  )
})

suite('a full disk with backups that retention lets go', () => {
  test('they go, and the backup is tried once more', needMount, async (t) => {
    const storageDir = await smallDisk(t, '5m')
    const world = await makeWorld(t, {
      storageDir,
      clock: fakeTimes(),
      global: { schedule: 'manual', retention: { max_age: '1h', min_keep: 1 } },
    })
    await fillLarge(world)
    const first = await world.backup()
    assert.equal(first.state, 'succeeded')
    assert.equal((await world.backup()).state, 'succeeded')
    assert.equal((await world.engine.backups({ limit: 9 })).length, 2, 'both are young: nothing went yet')
    now += 2 * 60 * 60_000
    const third = await world.backup()
    assert.deepEqual([third.state, third.attempt], ['succeeded', 1])
    assert.match(await world.engine.runLog(third.id), /disk is full: 1 old backups were deleted/)
    const left = (await world.engine.backups({ limit: 9 })).map(({ id }) => id)
    assert.ok(!left.includes(first.backupId!), 'the oldest went')
    await assertWorld(world)
  })

  let now = Date.parse('2026-11-20T06:00:00Z')
  const fakeTimes = (): Clock => ({ ...systemClock, now: () => (now += 1) })
})

suite('a place that is not what it was', () => {
  test('storage folder gone: told with what to do, and not made anew', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    await rename(world.storageDir, `${world.storageDir}-away`)
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-missing'])
    assert.ok(!(await readdir(world.folder)).includes('storage'))
    await rename(`${world.storageDir}-away`, world.storageDir)
    await assertWorld(world)
  })

  test('the disk is unmounted while the backup is written: it is none, and the folder below stays empty', async (t) => {
    const folder = await makeWorldFolder(t)
    const dir = join(folder, 'storage')
    const leave = async (): Promise<void> => {
      await rename(dir, `${dir}-away`)
      await mkdir(dir)
    }
    let left: Promise<void> | null = null
    const leaving = (storage: Storage): Storage => ({
      ...storage,
      async put(key, spool, options) {
        if (key.includes('/')) await (left ??= leave())
        return storage.put(key, spool, options)
      },
    })
    const world = await makeWorld(t, {
      folder,
      storageDir: dir,
      adjust: (context) => ({
        ...context,
        storages: new Map([...context.storages].map(([name, storage]) => [name, leaving(storage)])),
      }),
    })
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-missing'])
    assert.deepEqual(await readdir(dir), [])
    await rm(dir, { recursive: true })
    await rename(`${dir}-away`, dir)
    assert.equal((await world.backup()).state, 'succeeded')
    await assertWorld(world)
  })

  test('the disk is not mounted: the marker is missing, and nothing is written into the mount point', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    await rename(world.storageDir, `${world.storageDir}-away`)
    await mkdir(world.storageDir)
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-missing'])
    assert.match(run.fault?.text ?? '', new RegExp(markerKey))
    assert.deepEqual(await readdir(world.storageDir), [])
    await rm(world.storageDir, { recursive: true })
    await rename(`${world.storageDir}-away`, world.storageDir)
    await assertWorld(world)
  })

  test('a verification of an unmounted disk says so, and condemns no backup', async (t) => {
    const world = await makeWorld(t)
    const { backup } = await world.backup()
    await rename(world.storageDir, `${world.storageDir}-away`)
    await mkdir(world.storageDir)
    const verify = await world.engine.startVerify(backup!.id, 'V2', { via: 'cli', id: 'ann' })
    assert.equal((await world.finish(verify.id)).fault?.code, 'storage-missing')
    assert.equal((await world.engine.backup(backup!.id, null)).view.corrupt, null)
  })

  test('read-only: denied, not tried again', needMount, async (t) => {
    const storageDir = await smallDisk(t, '20m')
    const world = await makeWorld(t, { storageDir, global: { retry: { max_attempts: 3 } } })
    await world.backup()
    execFileSync('mount', ['-o', 'remount,ro', storageDir])
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code, run.attempt], ['failed', 'storage-denied', 1])
    await assertWorld(world)
  })

  test('an object of the same name that is not ours is neither replaced nor removed', async (t) => {
    let planted: string | null = null
    const world = await makeWorld(t, {
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            {
              ...storage,
              put: async (key, spool, options) => {
                if (key.endsWith('.gz')) {
                  planted = join(storage.location, key)
                  await mkdir(join(planted, '..'), { recursive: true })
                  await writeFile(planted, 'somebody else')
                }
                return storage.put(key, spool, options)
              },
            } as typeof storage,
          ]),
        ),
      }),
    })
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-exists'])
    assert.equal(await readFile(planted!, 'utf8'), 'somebody else')
  })
})

suite('the catalogue from storage alone (promise 2)', () => {
  test('on an empty machine it is what it was before, verdicts included', async (t) => {
    const world = await makeWorld(t, { strategies: { shop: {}, other: {} } })
    for (const name of ['shop', 'other', 'shop']) await world.backup(name)
    const { view } = await world.engine.backup('latest', 'shop')
    await world.finish((await world.engine.startVerify(view.id, 'V2', { via: 'cli', id: 'ann' })).id)
    const before = await listCopies(world.context.database.read, {})
    await world.close()
    await rm(world.stateDir, { recursive: true })
    const fresh = await makeWorld(t, { folder: world.folder, strategies: { shop: {}, other: {} } })
    assert.deepEqual(await listCopies(fresh.context.database.read, {}), [])
    const [report] = await fresh.engine.syncCatalogue()
    assert.deepEqual([report?.found, report?.added, report?.foreign, report?.broken], [3, 3, 0, []])
    assert.deepEqual(await listCopies(fresh.context.database.read, {}), before)
    assert.equal((await fresh.backup()).state, 'succeeded')
    await assertWorld(fresh)
  })

  test('a manifest that was edited is refused, and said; so is one that was moved', async (t) => {
    const world = await makeWorld(t)
    const edited = (await world.backup()).backup!.id
    const moved = (await world.backup()).backup!.id
    const pathOf = async (id: string): Promise<string> => {
      const { manifest } = await world.engine.backup(id, null)
      return join(world.storageDir, manifest.artifacts[0]!.key, '../manifest.json')
    }
    const [first, second] = [await pathOf(edited), await pathOf(moved)]
    await chmod(first, 0o600)
    const text = await readFile(first, 'utf8')
    const manifest = JSON.parse(text) as Manifest
    await writeFile(first, JSON.stringify({ ...manifest, storedBytes: manifest.storedBytes + 1 }))
    let [report] = await world.engine.syncCatalogue()
    assert.match(report!.broken[0]!.why, /was changed after it was written/)
    assert.deepEqual([report?.found, report?.removed], [1, 1])
    await rm(second)
    await writeFile(second, text)
    ;[report] = await world.engine.syncCatalogue()
    assert.ok(report!.broken.some(({ why }) => why.includes('belongs to another place')))
    assert.equal(report?.found, 0)
  })

  test('a file that is no JSON is said, and keeps nothing else from being found', async (t) => {
    const world = await makeWorld(t)
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const folder = join(world.storageDir, manifest.artifacts[0]!.key, '..')
    await writeFile(join(folder, 'verdict-20261120T060000Z-aaaa.json'), 'null')
    await writeFile(join(folder, 'verdict-20261120T060000Z-bbbb.json'), '{')
    const [report] = await world.engine.syncCatalogue()
    assert.deepEqual([report?.found, report?.broken.length], [1, 1])
  })
})
