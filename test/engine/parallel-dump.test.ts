import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { contentOf } from '../sources/postgres/databases.ts'
import { makeKey, restore, toRecipients, verify } from '../support/encrypted.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { needMount, smallDisk } from '../support/small-disk.ts'
import { makeWorld, makeWorldFolder, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

let server: PostgresServer
const tables = 12
const rows = 2_000

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  for (let n = 1; n <= tables; n++)
    await server.query(
      `CREATE TABLE t${n} AS SELECT i, md5(i::text) AS text FROM generate_series(1, ${rows}) i`,
      'shop',
    )
  await server.query(`SELECT lo_from_bytea(0, 'a large object')`, 'shop')
})
after(() => server.close())

async function worldOf(
  t: TestContext,
  settings: Record<string, unknown>,
  options: WorldOptions = {},
): Promise<World> {
  const shop = { options: { jobs: 2 }, ...settings }
  return makeWorld(t, { ...options, postgres: server, strategies: { shop } })
}

async function restoreBeside(world: World, ask: Partial<RestoreAsk> = {}): Promise<void> {
  const name = `beside_${Math.floor(performance.now() * 1_000)}`
  const run = await restore(world, { strategy: 'shop', targetDb: name, ...ask })
  assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
  assert.equal(await contentOf(server, name), await contentOf(server, 'shop'))
  await server.query(`DROP DATABASE ${name}`)
}

const bigTables = `CREATE TABLE big AS SELECT i, repeat(md5(i::text), 8) AS text FROM generate_series(1, 60000) i`

suite('several tables at a time', () => {
  for (const compression of ['zstd', 'gzip', 'none'])
    test(`are one object, proved, read again and restored (${compression})`, async (t) => {
      const world = await worldOf(t, { compression })
      const { state, fault } = await world.backup()
      assert.equal(state, 'succeeded', fault?.text ?? 'no fault')
      const [backup] = await world.engine.backups({ limit: 1 })
      const { manifest } = await world.engine.backup(backup!.id, null)
      assert.deepEqual([manifest.format, manifest.method, manifest.level], ['directory', 'pg_dump', 'V2'])
      assert.equal(manifest.tables!.length, tables)
      assert.ok(manifest.tables!.every((table) => table.rows === rows))
      assert.equal((await verify(world, backup!.id)).state, 'succeeded')
      await restoreBeside(world)
      await restoreBeside(world, { jobs: 3 })
      assert.deepEqual(readdirSync(world.tempDir), [])
      await assertWorld(world)
    })

  test('are encrypted and proved before it, where this host cannot read what it stores', async (t) => {
    const folder = await makeWorldFolder(t)
    const key = makeKey(folder, 'key')
    const world = await worldOf(t, { encryption: toRecipients(key) }, { folder })
    const { state, fault } = await world.backup()
    assert.equal(state, 'succeeded', fault?.text ?? 'no fault')
    await restoreBeside(world, { keyFile: key.file })
    await assertWorld(world)
  })

  test('are stored unproved when nobody wants a proof, and counted by the drill', async (t) => {
    const world = await worldOf(t, { prove: false })
    assert.equal((await world.backup()).state, 'succeeded')
    const { id } = await world.engine.startDrill('shop', null, {
      trigger: 'person',
      actor: { via: 'cli', id: 'ann' },
    })
    const run = await world.finish(id)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
    await assertWorld(world)
  })

  test('come back by the commands that show prints, and from a file without its manifest', async (t) => {
    const world = await worldOf(t, { compression: 'zstd' })
    assert.equal((await world.backup()).state, 'succeeded')
    const [backup] = await world.engine.backups({ limit: 1 })
    const { manifest } = await world.engine.backup(backup!.id, null)
    const stored = join(world.storageDir, manifest.artifacts[0]!.key)
    const away = await makeWorldFolder(t)
    await copyFile(stored, join(away, 'shop.tar.zst'))
    const env = {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: server.superuser,
      PGPASSWORD: server.password,
    }
    assert.ok(manifest.restoreCommands.length >= 4)
    for (const command of manifest.restoreCommands)
      await promisify(execFile)('sh', ['-c', command], { cwd: away, env })
    assert.equal(await contentOf(server, 'restored'), await contentOf(server, 'shop'))
    await server.query('DROP DATABASE restored')
    await restoreBeside(world, { from: join(away, 'shop.tar.zst') })
    assert.ok((await readFile(join(away, 'shop.tar'))).includes('shop.dir/toc.dat'))
  })

  test('that find no room in temp_dir end as a full disk, and leave nothing', needMount, async (t) => {
    await server.createDatabase('big')
    await server.query(bigTables, 'big')
    const tempDir = await smallDisk(t, '12m')
    const world = await makeWorld(t, {
      tempDir,
      postgres: server,
      strategies: { big: { options: { jobs: 2 }, retry: { max_attempts: 1 } } },
    })
    const { state, fault } = await world.backup()
    assert.deepEqual([state, fault?.code], ['failed', 'disk-full'])
    assert.match(fault!.text, /temp_dir/)
    assert.deepEqual(readdirSync(tempDir), [])
    await assertWorld(world)
  })
})
