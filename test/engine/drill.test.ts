import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import { newAgeIdentity } from '../../src/core/age-keys.ts'
import { createPostgres } from '../../src/sources/postgres/index.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { stubTool } from '../support/stub-tools.ts'
import {
  fillSample,
  makeWorld,
  makeWorldFolder,
  person,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { assertWorld } from '../world.ts'

const byPerson = { trigger: 'person', actor: person } as const
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

/** A strategy on PostgreSQL with two tables, an index and one good backup. */
async function backedUp(
  t: TestContext,
  settings: Record<string, unknown> = {},
  options: WorldOptions = {},
): Promise<World> {
  const name = `drilled_${++made}`
  await fillSample(server, name, 300)
  await server.query('CREATE INDEX by_item ON orders (item)', name)
  const world = await makeWorld(t, { ...options, postgres: server, strategies: { [name]: settings } })
  assert.equal((await world.backup()).state, 'succeeded')
  return world
}

/** The same place with other programs or settings. */
async function reopened(
  t: TestContext,
  world: World,
  settings: Record<string, unknown>,
  options: WorldOptions = {},
): Promise<World> {
  const [name] = world.engine.strategyNames()
  await world.close()
  const { folder } = world
  return makeWorld(t, { ...options, folder, postgres: server, strategies: { [name!]: settings } })
}

async function drill(world: World, backup: string | null = null): Promise<RunView> {
  const [strategy] = world.engine.strategyNames()
  const { id } = await world.engine.startDrill(strategy!, backup, byPerson)
  return world.finish(id)
}

async function newest(world: World): ReturnType<World['engine']['backup']> {
  const [backup] = await world.engine.backups({ limit: 1 })
  return world.engine.backup(backup!.id, null)
}

async function sidecars(world: World): Promise<string[]> {
  const names = (await readdir(world.storageDir, { recursive: true })).map((path) => path.split('/').at(-1)!)
  return names
    .flatMap((name) => /^(verdict|drill)-.*(\.json|\.md)$/.exec(name)?.slice(1).join('') ?? [])
    .toSorted()
}

async function evidenceOf(world: World, { drill: result }: RunView): Promise<{ json: string; page: string }> {
  const path = join(world.storageDir, result!.evidence!.key)
  return { json: await readFile(path, 'utf8'), page: await readFile(path.replace(/json$/, 'md'), 'utf8') }
}

suite('a drill that passes', () => {
  test('it restores the newest backup into a server of its own, compares it, and leaves evidence alone', async (t) => {
    const checks = [
      { name: 'orders', sql: 'SELECT count(*) FROM orders', expect: { min: 300, max: 300 } },
      { name: 'Ann', sql: 'SELECT name FROM people WHERE id = 1;', expect: 'Ann' },
      { name: 'somebody', sql: 'SELECT name FROM people', expect: 'not_empty' },
      { name: 'truth', sql: 'SELECT count(*) = 2 FROM people', expect: true },
    ]
    const world = await backedUp(t, { drill: { checks } })
    const run = await drill(world)
    const found = run.drill!
    assert.deepEqual([run.state, run.fault, found.verdict], ['succeeded', null, 'pass'])
    assert.deepEqual([found.tables, found.rows, found.objects], [2, 302, 3])
    assert.match(found.server, /^a scratch PostgreSQL \d+\.\d+/)
    assert.ok(found.checks.every(({ ok }) => ok) && found.restoreMs! > 0 && found.previousMs === null)
    assert.deepEqual((await newest(world)).manifest.objects, { TABLE: 2, INDEX: 1, CONSTRAINT: 2 })
    assert.equal((await newest(world)).view.level, 'V3')
    assert.deepEqual(await sidecars(world), ['drill.json', 'drill.md', 'verdict.json'])
    const { json, page } = await evidenceOf(world, run)
    const evidence = JSON.parse(json) as { rows: unknown; backup: { digest: string }; asked: { by: unknown } }
    assert.deepEqual(evidence.asked.by, person)
    assert.equal(evidence.backup.digest, (await newest(world)).manifest.digest)
    for (const fact of [found.backup, 'passed', 'public.orders | 300 | 300', 'INDEX | 1 | 1', 'somebody'])
      assert.ok(page.includes(fact), fact)
    await assertWorld(world)
  })

  test('an empty machine learns from the place alone what was proven, and what failed', async (t) => {
    const world = await backedUp(t)
    assert.equal((await drill(world)).state, 'succeeded')
    await world.backup()
    const failing = await reopened(t, world, {
      drill: { checks: [{ name: 'none', sql: 'SELECT count(*) FROM orders', expect: 0 }] },
    })
    assert.equal((await drill(failing)).state, 'failed')
    await failing.close()
    const empty = await makeWorld(t, {
      postgres: server,
      storageDir: world.storageDir,
      strategies: failing.config.strategies.reduce((all, { name }) => ({ ...all, [name]: {} }), {}),
    })
    await empty.engine.syncCatalogue()
    const backups = await empty.engine.backups({ limit: 5 })
    assert.deepEqual(
      backups.map(({ level, corrupt }) => [level, corrupt === null]),
      [
        ['V2', false],
        ['V3', true],
      ],
    )
  })

  test('a drill on a given server leaves no database there', async (t) => {
    const world = await backedUp(t, { drill: { database_url: server.url() } })
    const run = await drill(world)
    assert.equal(run.drill?.verdict, 'pass')
    assert.match(run.drill!.server, /^PostgreSQL \S+ at 127\.0\.0\.1:/)
    assert.deepEqual(
      await server.query(`SELECT datname FROM pg_database WHERE datname LIKE '%\\_drill\\_%'`),
      [],
    )
    await assertWorld(world)
  })

  test('a backup of SQLite is drilled in a file of its own', async (t) => {
    const world = await makeWorld(t, {
      strategies: {
        shop: { drill: { checks: [{ name: 'n', sql: 'SELECT count(*) FROM orders', expect: 500 }] } },
      },
    })
    await world.backup()
    const run = await drill(world)
    assert.deepEqual([run.state, run.drill?.rows, run.drill?.objects], ['succeeded', 502, 1])
    await assertWorld(world)
  })
})

/** What pg_restore does to the scratch database beside its work. */
const meddle = (sql: string): string =>
  `for a in "$@"; do case "$a" in --dbname=*) db="\${a#--dbname=}";; esac; done; "$REAL" "$@" || exit; psql -q "$db" -c '${sql}'`

suite('a drill of the wrong data cannot pass', () => {
  const wrongs: [what: string, sql: string, why: RegExp][] = [
    [
      'a row that is lost',
      'DELETE FROM orders WHERE id = 7',
      /^table public\.orders has 299 rows instead of 300$/,
    ],
    [
      'a table that is dropped',
      'DROP TABLE people',
      /^table public\.people has no rows instead of 2; and 2 more$/,
    ],
    ['an index that is missing', 'DROP INDEX by_item', /^0 INDEX were restored instead of 1$/],
  ]
  test('lost rows, a dropped table and a missing index are seen, and the backup is not offered before a drill passes', async (t) => {
    let world = await backedUp(t)
    for (const [what, sql, why] of wrongs) {
      const stub = await stubTool(world.folder, 'pg_restore', meddle(sql), { only: '--no-subscriptions' })
      world = await reopened(t, world, {}, { path: [stub] })
      const run = await drill(world, (await newest(world)).view.id)
      assert.deepEqual(
        [run.state, run.fault?.code, run.drill?.verdict],
        ['failed', 'drill-failed', 'fail'],
        what,
      )
      assert.match(run.drill!.why!, why)
      assert.match((await newest(world)).view.corrupt!, /^a drill failed: /)
      await assertWorld(world)
    }
    const [strategy] = world.engine.strategyNames()
    await assert.rejects(world.engine.startDrill(strategy!, null, byPerson), { code: 'not-found' })
    const healed = await reopened(t, world, {})
    const { id } = (await newest(healed)).view
    await healed.finish((await healed.engine.startVerify(id, 'V2', person)).id)
    assert.notEqual((await newest(healed)).view.corrupt, null, 'decoding it clears no failed drill')
    assert.equal((await drill(healed, id)).state, 'succeeded')
    assert.deepEqual([(await newest(healed)).view.corrupt, (await newest(healed)).view.level], [null, 'V3'])
  })

  test('a check that is false, or that cannot be asked, fails it; nothing of a check can write', async (t) => {
    const checks = [
      { name: 'many', sql: 'SELECT count(*) FROM orders', expect: { min: 1000 } },
      { name: 'gone', sql: 'SELECT x FROM nowhere', expect: 'not_empty' },
      { name: 'writes', sql: 'DELETE FROM orders RETURNING 1', expect: 1 },
      { name: 'two', sql: 'SELECT 1; DROP TABLE orders', expect: 1 },
      { name: 'rows', sql: 'SELECT count(*) FROM orders', expect: 300 },
    ]
    const world = await backedUp(t, { drill: { checks } })
    const run = await drill(world)
    assert.equal(run.state, 'failed')
    assert.deepEqual(
      run.drill!.checks.map(({ ok, found }) => [ok, found]),
      [
        [false, '300'],
        [false, null],
        [false, null],
        [false, null],
        [true, '300'],
      ],
    )
    assert.match(run.drill!.why!, /^the check "many" found 300, expected at least 1000; and 3 more$/)
  })

  test('one that takes longer than promised fails, and the backup stays on offer; however long the path of temp_dir is', async (t) => {
    const tempDir = join(await makeWorldFolder(t), 'long-'.repeat(30))
    const world = await backedUp(t, { drill: { max_duration: '1s' } }, { tempDir }) // the clock of this world is fast
    const run = await drill(world)
    assert.deepEqual([run.state, run.drill?.verdict], ['failed', 'fail'])
    assert.match(run.drill!.why!, /^the restore took .* longer than drill\.max_duration/)
    assert.deepEqual([(await newest(world)).view.corrupt, (await newest(world)).view.level], [null, 'V3'])
  })

  test('the manifest of one backup and the dump of another', async (t) => {
    const world = await backedUp(t)
    await server.query('DELETE FROM orders', world.engine.strategyNames()[0])
    await world.backup()
    const files = (await readdir(world.storageDir, { recursive: true }))
      .filter((path) => /\.dump/.test(path))
      .toSorted()
    await copyFile(join(world.storageDir, files[0]!), join(world.storageDir, files[1]!))
    const run = await drill(world, (await newest(world)).view.id)
    assert.deepEqual([run.state, run.drill?.verdict, run.drill?.restoreMs], ['failed', 'fail', null])
    assert.notEqual((await newest(world)).view.corrupt, null)
  })
})

suite('a drill of a dump that is not whole', () => {
  test('one that was cut before its digest was taken fails it, and is marked', async (t) => {
    const folder = await makeWorldFolder(t)
    const cuts = `case " $* " in *" -dc "*) exec "$REAL" "$@";; esac; "$REAL" "$@" | head -c -30`
    const world = await backedUp(
      t,
      { prove: false, compression: 'zstd' },
      { folder, path: [await stubTool(folder, 'zstd', cuts)] },
    )
    const run = await drill(world)
    assert.deepEqual([run.state, run.drill?.verdict], ['failed', 'fail'])
    assert.match(run.drill!.why!, /not a whole zstd file/)
    assert.match((await newest(world)).view.corrupt ?? '', /not a whole zstd file/)
  })
})

suite('a drill that cannot tell is never green and never red', () => {
  async function assertInconclusive(world: World, why: RegExp): Promise<void> {
    const before = (await newest(world)).view
    const run = await drill(world)
    assert.deepEqual(
      [run.state, run.fault?.code, run.drill?.verdict],
      ['degraded', 'drill-inconclusive', 'inconclusive'],
    )
    assert.match(run.drill!.why!, why)
    const { view } = await newest(world)
    assert.deepEqual([view.level, view.corrupt], [before.level, null])
    await assertWorld(world)
  }

  test('an extension of the dump is missing here', async (t) => {
    const world = await backedUp(t)
    const entry = `-- Name: nowhere_ext; Type: EXTENSION; Schema: -; Owner: -`
    const stub = await stubTool(world.folder, 'pg_restore', `"$REAL" "$@"; echo; echo '${entry}'`, {
      only: '--schema-only',
    })
    await assertInconclusive(await reopened(t, world, {}, { path: [stub] }), /the extension nowhere_ext/)
  })

  test('the server programs are missing, or too old', async (t) => {
    const world = await backedUp(t)
    const bin = join(world.folder, 'clients')
    await mkdir(bin)
    for (const tool of ['pg_dump', 'pg_restore', 'psql'])
      await symlink(`/usr/lib/postgresql/${server.version}/bin/${tool}`, join(bin, tool))
    const withPrograms = async (world: World): Promise<World> =>
      reopened(
        t,
        world,
        {},
        {
          onlyPath: bin,
          adjust: (context) => ({ ...context, sourceDrivers: [createPostgres([bin])] }),
        },
      )
    const poor = await withPrograms(world)
    await assertInconclusive(poor, /server programs of PostgreSQL \(initdb, postgres\) are not installed/)
    for (const tool of ['initdb', 'postgres']) {
      const stub = await stubTool(poor.folder, tool, '', { version: `${tool} (PostgreSQL) 9.6.1` })
      await copyFile(join(stub, tool), join(bin, tool))
    }
    await assertInconclusive(await withPrograms(poor), /9\.6\.1 are older than the backup/)
  })

  test('the key is not on this host; with it the same backup passes, and its evidence names no table', async (t) => {
    const key = newAgeIdentity()

    const rule = { type: 'age', recipients: [key.recipient], waive_decrypt_test: true }
    const world = await backedUp(t, { encryption: rule })
    await assertInconclusive(world, /no private key for it is on this host/)
    const file = join(world.folder, 'key.txt')
    await writeFile(file, `${key.secret}\n`)
    const checks = [{ name: 'secret name', sql: 'SELECT count(*) FROM people', expect: 2 }]
    const able = await reopened(t, world, { encryption: { ...rule, identity_file: file }, drill: { checks } })
    const run = await drill(able)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    const { json, page } = await evidenceOf(able, run)
    assert.doesNotMatch(json + page, /orders|people|secret name/)
    assert.match(page, /all tables \| 302 \| 302/)
  })

  test('it took longer than its limit', async (t) => {
    const world = await backedUp(t, { timeout: { restore: '1s' } }) // the clock of this world is fast
    await assertInconclusive(world, /the drill took longer than its limit of 1 s/)
  })

  test('the place cannot be reached', async (t) => {
    const world = await backedUp(t)
    const adjust: WorldOptions['adjust'] = (context) => {
      const away = async (): Promise<never> =>
        Promise.reject(new Fault('storage-unreachable', 'nobody answers'))
      const storages = new Map(
        [...context.storages].map(([name, storage]) => [name, { ...storage, get: away }]),
      )
      return { ...context, storages }
    }
    await assertInconclusive(await reopened(t, world, {}, { adjust }), /nobody answers/)
  })

  test('cancelled, it has no verdict and leaves nothing', async (t) => {
    const world = await backedUp(t)
    const stub = await stubTool(
      world.folder,
      'pg_restore',
      'cat > /dev/null; touch "$SELF/there"; sleep 600',
      { only: '--no-subscriptions' },
    )
    const slow = await reopened(t, world, {}, { path: [stub] })
    const [strategy] = slow.engine.strategyNames()
    const { id } = await slow.engine.startDrill(strategy!, null, byPerson)
    await assert.rejects(slow.engine.startDrill(strategy!, null, byPerson), {
      code: 'busy',
    })
    const ended = slow.finish(id)
    while (!(await readdir(stub)).includes('there')) await slow.context.clock.sleep(1_000)
    assert.equal((await slow.engine.startBackup(strategy!, byPerson)).state, 'queued')
    await slow.engine.cancel(id, person)
    assert.deepEqual([(await ended).state, (await ended).drill], ['cancelled', null])
    await assertWorld(slow, { open: true })
  })
})
