import assert from 'node:assert/strict'
import { mkdir, readdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transform } from 'node:stream'
import { after, before, suite, test } from 'node:test'
import type { BackupView, RunView } from '../../src/core/model.ts'
import { askIn, onHost } from '../support/gate.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { severalPlaces } from '../support/places.ts'
import { stubTool } from '../support/stub-tools.ts'
import { fillSample, makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

async function drill(world: World, backup: string | null = null): Promise<RunView> {
  const [strategy] = world.engine.strategyNames()
  const { id } = await world.engine.startDrill(strategy!, backup, { trigger: 'person', actor: person })
  return world.finish(id)
}

async function newest(world: World): Promise<BackupView> {
  const [{ id }] = (await world.engine.backups({ limit: 1 })) as [BackupView]
  return (await world.engine.backup(id, null)).view
}

suite('a drill that could not restore what it read', () => {
  test('it clears no mark of one that failed before', async (t) => {
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['near', 'far'])
    for (const name of ['near', 'far']) await mkdir(places.dir(name), { recursive: true })
    const checks = [{ name: 'few', sql: 'SELECT count(*) FROM orders', expect: 1 }]
    const world = await makeWorld(t, { ...places.options, strategies: { shop: { drill: { checks } } } })
    await world.backup()
    assert.equal((await drill(world)).drill?.verdict, 'fail')
    const { id, corrupt } = await newest(world)
    assert.match(corrupt!, /^a drill failed: the check "few"/)
    const shown = JSON.stringify(await askIn(world).ask({ words: 'status shop' }, onHost))
    assert.match(shown, /"Last good","cell":\{[^}]*none left: its drill failed/)
    const stored = (await readdir(places.dir('near'), { recursive: true })).find((path) =>
      path.endsWith('.gz'),
    )
    await writeFile(join(places.dir('near'), stored!), 'x')
    places.away.add('far')
    assert.notEqual((await drill(world, id)).drill?.verdict, 'pass')
    places.away.delete('far')
    const found = await newest(world)
    assert.deepEqual([found.level === 'V3', found.corrupt !== null], [false, true])
  })

  test('what was fetched whole and cannot be decoded is marked, and proves nothing', async (t) => {
    const world = await makeWorld(t, {
      onlyPath: '/nowhere', // gzip of Node itself
      strategies: { shop: { prove: false, compression: 'gzip' } },
      adjust: (context) => ({
        ...context,
        filters: context.filters.map((filter) =>
          filter.kind === 'gzip' && filter.encode ? { ...filter, encode: cutting(filter.encode) } : filter,
        ),
      }),
    })
    assert.notEqual((await world.backup()).state, 'failed')
    const run = await drill(world)
    assert.equal(run.drill?.verdict, 'fail', run.fault?.text ?? '')
    const { level, corrupt } = await newest(world)
    assert.deepEqual([level, corrupt?.startsWith('a drill failed: ')], ['V0', true])
  })
})

/** A compression that loses its end, before anything is stored. */
function cutting<Args extends unknown[], Encoded>(encode: (...args: Args) => Encoded): typeof encode {
  return (...args) => {
    const encoded = encode(...args)
    const stream = encoded as unknown as Transform
    const push = stream.push.bind(stream)
    let held = Buffer.alloc(0)
    stream.push = (chunk: Buffer | null) => {
      if (chunk !== null) held = Buffer.concat([held, chunk])
      if (chunk === null) push(held.subarray(0, -30))
      return chunk === null ? push(null) : true
    }
    return encoded
  }
}

test('a check of SQLite may have any whole number as its answer; it is one question and writes nothing', async (t) => {
  const folder = await makeWorldFolder(t)
  const stolen = join(folder, 'stolen.db')
  const sqls: [sql: string, ok: boolean, found: string | null][] = [
    ['SELECT 1234567890123456789', true, '1234567890123456789'],
    ['/* all */ WITH n AS (SELECT count(*) AS c FROM orders) SELECT c FROM n; -- one', true, '500'],
    ['SELECT 0.5', true, '0.5'],
    [`VACUUM INTO '${stolen}'`, false, null],
    [`ATTACH '${stolen}' AS other`, false, null],
    ['SELECT 7; SELECT nonsense FROM nowhere', false, null],
    ['DELETE FROM orders RETURNING 1', false, null],
    ['PRAGMA user_version', false, null],
  ]
  const checks = sqls.map(([sql], at) => ({ name: `${at}`, sql, expect: 'not_empty' }))
  const world = await makeWorld(t, { folder, strategies: { shop: { drill: { checks } } } })
  await world.backup()
  const run = await drill(world)
  assert.deepEqual(
    run.drill!.checks.map(({ ok, found }, at) => [sqls[at]![0], ok, found]),
    sqls,
  )
  assert.ok(!(await readdir(folder)).includes('stolen.db'))
})

suite('a drill that the server disturbs', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
    await fillSample(server, 'shop', 300)
  })
  after(() => server.close())

  test('a check that an administrator ends says nothing about the backup', async (t) => {
    const checks = [
      {
        name: 'ended',
        sql: 'SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)',
        expect: 'not_empty',
      },
    ]
    const world = await makeWorld(t, { postgres: server, strategies: { shop: { drill: { checks } } } })
    await world.backup()
    const run = await drill(world)
    assert.deepEqual([run.state, run.drill?.verdict], ['degraded', 'inconclusive'])
    assert.match(run.drill!.why!, /^the check "ended" has no answer: /)
    assert.equal((await newest(world)).corrupt, null)
    await assertWorld(world)
  })

  test('a statement or a check that another major does not take says nothing about the backup', async (t) => {
    const folder = await makeWorldFolder(t)
    const checks = [{ name: 'older', sql: 'SELECT pg_stop_backup()', expect: 'not_empty' }]
    const world = await makeWorld(t, {
      folder,
      postgres: server,
      strategies: { shop: { drill: { checks } } },
    })
    await world.backup()
    await changeManifest(world, ({ engine }) =>
      Object.assign(engine, { serverVersion: '13.9', toolVersion: '13.9' }),
    )
    const run = await drill(world)
    assert.equal(run.drill?.verdict, 'inconclusive')
    assert.match(
      run.drill!.why!,
      /^the check "older" has no answer: .* 13\.9 takes, where the backup is from$/,
    )
    await world.close()
    const said =
      'pg_restore: error: could not execute query: ERROR:  function array_append(anyarray, anyelement) does not exist'
    const fails = await stubTool(folder, 'pg_restore', `cat > /dev/null; echo '${said}' >&2; exit 1`, {
      only: '--no-subscriptions',
    })
    const failing = await makeWorld(t, { folder, postgres: server, strategies: { shop: {} }, path: [fails] })
    const second = await drill(failing)
    assert.deepEqual([second.drill?.verdict, (await newest(failing)).corrupt], ['inconclusive', null])
    assert.match(second.drill!.why!, /array_append.*13\.9 takes/)
    assert.match(second.fault!.hint!, /install postgresql-13 /)
  })

  test('a disk that holds the dump and not what becomes of it is seen before anything is fetched', async (t) => {
    const world = await makeWorld(t, { postgres: server, strategies: { shop: {} } })
    await world.backup()
    const { bavail, bsize } = await statfs(world.tempDir)
    await changeManifest(world, (manifest) => (manifest.rawBytes = Math.floor((bavail * bsize) / 2)))
    const run = await drill(world)
    assert.equal(run.drill?.verdict, 'inconclusive')
    assert.match(
      run.drill!.why!,
      /^temp_dir \S+ has [\d.]+ [GT]B free, and the drill needs at least [\d.]+ [GT]B$/,
    )
  })
})

type Stored = { engine: Record<string, unknown>; rawBytes: number }

async function changeManifest(
  { context: { database } }: World,
  change: (manifest: Stored) => void,
): Promise<void> {
  const row = await database.read.selectFrom('backups').select('manifest').executeTakeFirstOrThrow()
  const found = JSON.parse(row.manifest) as Stored
  change(found)
  const manifest = JSON.stringify(found)
  await database.write(async (tx) => void (await tx.updateTable('backups').set({ manifest }).execute()))
}
