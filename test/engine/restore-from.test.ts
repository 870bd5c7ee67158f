import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Fault } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const nothing: RestoreAsk = {
  backup: '',
  strategy: null,
  targetDb: null,
  targetUrl: null,
  noOwner: false,
  reason: null,
}

interface Scene {
  world: World
  /** Where a person keeps what was copied away. */
  downloads: string
  /** A database file that is not there yet. */
  target: string
  /** Copies the newest backup's dump, or its whole folder, away. */
  copyAway(name: string): string
  copyFolderAway(): string
  restore(ask: Partial<RestoreAsk>): Promise<RunView>
}

/** One backup was made; then everything is asked of a machine that knows nothing of it. */
async function makeScene(t: TestContext, global: Record<string, unknown> = {}): Promise<Scene> {
  const old = await makeWorld(t, { global })
  await old.backup()
  const { manifest } = await old.engine.backup('latest', 'shop')
  const stored = join(old.storageDir, manifest.artifacts[0]!.key)
  const world = await makeWorld(t, { strategies: { crm: {} } })
  const downloads = join(world.folder, 'down loads')
  mkdirSync(downloads)
  const target = join(world.folder, 'back.db')
  return {
    world,
    downloads,
    target,
    copyAway(name) {
      copyFileSync(stored, join(downloads, name))
      return join(downloads, name)
    },
    copyFolderAway() {
      const folder = join(downloads, 'one backup')
      mkdirSync(folder)
      for (const name of readdirSync(dirname(stored)))
        copyFileSync(join(dirname(stored), name), join(folder, name))
      return folder
    },
    async restore(ask) {
      const whole = { ...nothing, targetUrl: `sqlite://${target}`, ...ask }
      const { id, version } = await world.engine.requestRestore(whole, person)
      return world.finish((await world.engine.confirm(id, version, person)).run!)
    },
  }
}

function rowsOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare('SELECT count(*) AS n FROM orders').get()!.n
  } finally {
    database.close()
  }
}

suite('a file that the catalogue does not know', () => {
  for (const [compression, name] of [
    ['zstd', 'monday.sql'],
    ['gzip', 'dump.bin.zst'],
    ['none', 'Zoë’s “dump” (1).gz'],
  ] as const)
    test(`${compression}, called ${name}: what it is comes from its bytes`, async (t) => {
      const scene = await makeScene(t, { compression })
      const from = scene.copyAway(name)
      const { plan } = await scene.world.engine.planRestore(
        { ...nothing, from, targetUrl: `sqlite://${scene.target}` },
        person,
      )
      assert.deepEqual([plan.backup.sha256, plan.backup.rows, plan.backup.from], [[], null, from])
      assert.match(plan.warnings.join(), /no manifest vouches/)
      assert.equal(/whatever its name says/.test(plan.warnings.join()), name !== 'monday.sql')
      const run = await scene.restore({ from })
      assert.deepEqual([run.fault, run.restore?.rows, rowsOf(scene.target)], [null, 502, 500])
      await scene.world.deliver()
      await assertWorld(scene.world)
    })

  test('several layers are undone, one after the other', async (t) => {
    const scene = await makeScene(t, { compression: 'zstd' })
    const inner = readFileSync(scene.copyAway('inner'))
    const from = join(scene.downloads, 'outer')
    writeFileSync(from, gzipSync(zstdCompressSync(inner)))
    assert.equal((await scene.restore({ from })).state, 'succeeded')
    assert.equal(rowsOf(scene.target), 500)
  })

  for (const [what, damage] of [
    ['cut', (path: string) => truncateSync(path, readFileSync(path).length - 5)],
    ['flipped', (path: string) => flip(path, 0.6)],
  ] as const)
    for (const compression of ['zstd', 'none'])
      test(`${what} (${compression}): all of it is decoded before a byte reaches the target`, async (t) => {
        const scene = await makeScene(t, { compression })
        const from = scene.copyAway('dump')
        damage(from)
        const code = await scene.restore({ from }).then(
          ({ fault }) => fault?.code,
          (fault: Fault) => fault.code, // so small that not even its front can be read
        )
        if (what === 'flipped' && compression === 'none' && code === undefined) return // a changed row: only a digest shows it
        assert.match(code!, /proof-failed|object-corrupt|tool-failed/)
        assert.equal(existsSync(scene.target), false)
        await assertWorld(scene.world)
      })

  test('where name and bytes disagree, --strict-sniff refuses', async (t) => {
    const scene = await makeScene(t, { compression: 'zstd' })
    const from = scene.copyAway('shop.db.gz')
    await assert.rejects(scene.restore({ from, strictSniff: true }), {
      code: 'target-invalid',
      message: /shop\.db\.gz is zstd, whatever its name says/,
    })
  })

  test('what is of another engine, encrypted, or nothing known is refused with what to do', async (t) => {
    const scene = await makeScene(t)
    const cases: [string, string | Buffer, RegExp, RegExp][] = [
      ['age', 'age-encryption.org/v1\n', /encrypted with age/, /--key-file/],
      ['xz', Buffer.from('fd377a585a00', 'hex'), /compressed with xz/, /xz -dc/],
      ['junk', Buffer.from([1, 2, 0, 4]), /no format that is known here/, /custom format/],
      ['empty', '', /is empty/, /./],
      ['pg', 'PGDMP\x01\x0e\x00\x04\x08\x01', /is of PostgreSQL, and the target is SQLite/, /--target-url/],
    ]
    for (const [name, content, message, hint] of cases) {
      const from = join(scene.downloads, name)
      writeFileSync(from, content)
      await assert.rejects(scene.restore({ from }), (fault: Fault) => {
        assert.match(fault.message, message, name)
        assert.match(fault.hint ?? '.', hint, name)
        return true
      })
    }
    await assert.rejects(scene.restore({ from: join(scene.downloads, 'gone') }), { code: 'object-missing' })
  })

  test('without a target the only strategy that fits is used, beside its database', async (t) => {
    const scene = await makeScene(t)
    const run = await scene.restore({ from: scene.copyAway('dump'), targetUrl: null })
    assert.deepEqual([run.state, run.strategy], ['succeeded', 'crm'])
    assert.match(basename(run.restore!.target), /^crm_restore_/)
  })

  test('a file that changed after the plan was confirmed is not restored (promise 11)', async (t) => {
    const scene = await makeScene(t)
    const from = scene.copyAway('dump')
    const { world } = scene
    const { id } = await world.engine.requestRestore(
      { ...nothing, from, targetUrl: `sqlite://${scene.target}` },
      person,
    )
    const { run } = await world.engine.confirm(id, 1, person)
    writeFileSync(from, Buffer.concat([readFileSync(from), Buffer.from('x')]))
    const ended = await world.finish(run!)
    assert.deepEqual([ended.state, ended.fault?.code], ['failed', 'stale'])
    assert.equal(existsSync(scene.target), false)
  })
})

suite('a file beside its manifest, wherever both lie now', () => {
  for (const named of ['the dump', 'the manifest', 'the folder'])
    test(`${named} is named: its digest and rows are compared`, async (t) => {
      const scene = await makeScene(t)
      const folder = scene.copyFolderAway()
      const dump = readdirSync(folder).find((name) => name.startsWith('shop.db'))!
      const from =
        { 'the dump': join(folder, dump), 'the manifest': join(folder, 'manifest.json') }[named] ?? folder
      const { plan } = await scene.world.engine.planRestore(
        { ...nothing, from, targetUrl: `sqlite://${scene.target}` },
        person,
      )
      assert.deepEqual([plan.backup.sha256.length, plan.backup.rows, plan.backup.level], [1, 502, 'V2'])
      assert.equal((await scene.restore({ from })).restore?.rows, 502)
      assert.equal(rowsOf(scene.target), 500)
    })

  test('a flipped bit, an edited manifest and a manifest of another file are refused', async (t) => {
    const scene = await makeScene(t, { compression: 'none' })
    const folder = scene.copyFolderAway()
    const dump = join(folder, 'shop.db')
    const manifest = join(folder, 'manifest.json')
    copyFileSync(dump, join(folder, 'other.db'))
    await assert.rejects(scene.restore({ from: join(folder, 'other.db') }), {
      code: 'object-corrupt',
      message: /not of this file/,
    })
    flip(dump, 0.7)
    const run = await scene.restore({ from: folder })
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'object-corrupt'])
    assert.match(run.fault!.text, /does not have the SHA-256 of its manifest/)
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"rows": 500', '"rows": 501'))
    await assert.rejects(scene.restore({ from: folder }), { message: /was changed after it was written/ })
    assert.equal(existsSync(scene.target), false)
  })

  test('a folder with several backups asks for one', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    await world.backup()
    const ask = { ...nothing, from: join(world.storageDir, 'shop'), strategy: 'shop' }
    await assert.rejects(world.engine.requestRestore(ask, person), (fault: Fault) => {
      assert.deepEqual([fault.code, /holds 2 backups/.test(fault.message)], ['usage', true])
      const [address] = /\/\S+\/shop-[^,]+/.exec(fault.hint!)!
      assert.ok(existsSync(address!), `${address} can be named`)
      return true
    })
  })
})

suite('plain SQL for SQLite', () => {
  const never = join(tmpdir(), `eb-never-${process.pid}`)
  const script = `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE orders(id INTEGER PRIMARY KEY, item TEXT DEFAULT ';''--');
INSERT INTO orders VALUES(1,'it''s; -- "x" /* '),(2,'.quit
.shell touch ${never}');
CREATE TRIGGER t AFTER INSERT ON orders BEGIN UPDATE orders SET item = 'a;b' WHERE id = 0; SELECT 1; END;
-- a comment; with ' a quote
CREATE VIEW v AS SELECT item FROM orders;
COMMIT;
`
  const write = (scene: Scene, text: string | Buffer): string => {
    const from = join(scene.downloads, 'shop.sql.gz')
    writeFileSync(from, gzipSync(text))
    return from
  }

  test('it is blocked until it is allowed, then every statement is run', async (t) => {
    const scene = await makeScene(t)
    const from = write(scene, script)
    await assert.rejects(scene.restore({ from }), { message: /plain SQL.*--allow-sql-fallback/ })
    const run = await scene.restore({ from, allowSqlFallback: true })
    assert.equal(run.fault, null)
    assert.equal(rowsOf(scene.target), 2)
    await assertWorld(scene.world)
  })

  for (const [what, text, message] of [
    [
      'a command of the shell',
      script.replace('CREATE VIEW', `.shell touch ${never}\nCREATE VIEW`),
      /line 8 of the script/,
    ],
    [
      'an error',
      script.replace('CREATE VIEW', 'INSERT INTO nowhere VALUES (1); CREATE VIEW'),
      /no such table/,
    ],
    [
      'another file',
      script.replace('BEGIN TRANSACTION;', `ATTACH '${never}.db' AS x; BEGIN;`),
      /not authorized/,
    ],
    ['a copy to elsewhere', script + `VACUUM INTO '${never}.db';`, /authorization denied/],
    ['an end that is missing', script.slice(0, 200), /stops in the middle/],
    [
      'a dump that its tool rolled back',
      script.replace('COMMIT;', 'ROLLBACK; -- due to errors'),
      /makes no table/,
    ],
  ] as const)
    test(`${what} stops it, and nothing is left`, async (t) => {
      const scene = await makeScene(t)
      const run = await scene.restore({ from: write(scene, text), allowSqlFallback: true })
      assert.equal(run.state, 'failed')
      assert.match(run.fault!.text, message)
      assert.equal(existsSync(scene.target), false)
      assert.ok(!existsSync(never) && !existsSync(`${never}.db`))
    })
})

suite('overwriting a SQLite file', () => {
  async function occupied(t: TestContext): Promise<Scene> {
    const scene = await makeScene(t)
    const database = new DatabaseSync(scene.target)
    database.exec('CREATE TABLE old (x); INSERT INTO old VALUES (1)')
    database.close()
    return scene
  }

  test('without --clean it is refused as a target that exists', async (t) => {
    const scene = await occupied(t)
    await assert.rejects(scene.restore({ from: scene.copyAway('d') }), { code: 'target-exists' })
  })

  test('with it the new file takes the name in one step, and the old one is kept', async (t) => {
    const scene = await occupied(t)
    const before = readFileSync(scene.target)
    const run = await scene.restore({ from: scene.copyAway('d'), clean: true })
    assert.equal(run.fault, null)
    assert.equal(rowsOf(scene.target), 500)
    const [kept] = readdirSync(scene.world.folder).filter((name) => name.startsWith('back.db.replaced_'))
    assert.ok(before.equals(readFileSync(join(scene.world.folder, kept!))))
    assert.match(run.restore!.warnings.join(), /the old file is kept as/)
  })

  test('a restore that fails leaves the old file as it was', async (t) => {
    const scene = await occupied(t)
    const before = readFileSync(scene.target)
    const from = scene.copyAway('d')
    flip(from, 0.5)
    await assert.rejects(scene.restore({ from, clean: true }), { code: 'object-corrupt' })
    writeFileSync(from, readFileSync(scene.copyAway('whole')))
    truncateSync(from, 400)
    await assert.rejects(scene.restore({ from, clean: true }).then(({ fault }) => Promise.reject(fault)))
    assert.ok(before.equals(readFileSync(scene.target)))
  })

  test('the database of a strategy itself is never overwritten this way', async (t) => {
    const scene = await makeScene(t)
    const own = join(scene.world.folder, 'crm.db')
    const ask = { from: scene.copyAway('d'), clean: true, targetUrl: `sqlite://${own}` }
    await assert.rejects(scene.restore(ask), { message: /the database of crm itself/ })
  })
})

function flip(path: string, where: number): void {
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length * where)]! ^= 0x10
  writeFileSync(path, bytes)
}
