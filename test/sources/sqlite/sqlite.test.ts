import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmod,
  chown,
  copyFile,
  open,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { sqlite } from '../../../src/sources/sqlite/index.ts'
import type { TargetRequest } from '../../../src/sources/source.ts'
import { strays } from '../../../src/sys/strays.ts'
import { beside, openBench, temporary, type Bench } from '../../contracts/source.ts'
import { endProcess } from '../../support/ended.ts'
import { fileUrl, keepWriting, rowsOf } from './files.ts'

const never = new AbortController().signal

async function file(t: TestContext, sql: string): Promise<string> {
  const path = join(await temporary(t), 'shop.db')
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
  return path
}

const orders = `CREATE TABLE orders (id INTEGER PRIMARY KEY, text); CREATE INDEX by_text ON orders (text);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO orders SELECT i, 'order ' || i FROM n;`

function bench(t: TestContext, path: string, options: Record<string, unknown> = {}): Promise<Bench> {
  return openBench(t, { facts: { driver: sqlite, options }, url: fileUrl(path) })
}

test('a file without a write-ahead log is copied whole while somebody writes to it all the time', async (t) => {
  const path = join(await temporary(t), 'busy.db')
  const stop = await keepWriting(path, 'delete')
  const backup = await (await bench(t, path)).backUp().finally(stop)
  const rows = Object.fromEntries(backup.tables!.map(({ name, rows }) => [name, rows]))
  assert.ok(rows.ledger_a! >= 20_000)
  assert.equal(rows.ledger_a, rows.ledger_b)
})

test('a writer that never lets go is told after lock_timeout', async (t) => {
  const path = await file(t, orders)
  const writer = new DatabaseSync(path)
  t.after(() => writer.close())
  writer.exec('BEGIN EXCLUSIVE; DELETE FROM orders')
  const b = await bench(t, path, { lock_timeout: '1s' })
  await assert.rejects(b.backUp(), { code: 'database-locked', message: /stayed locked by a writer/ })
})

test('a damaged database is no backup, and trying again is no use', async (t) => {
  const path = await file(t, orders)
  await damage(path)
  const b = await bench(t, path)
  await assert.rejects(b.backUp(), { code: 'dump-failed', message: /is damaged|malformed/ })
  assert.deepEqual(await readdir(b.folder), [])
})

test('a dump damaged inside its structure is refused by the proof', async (t) => {
  const b = await bench(t, await file(t, orders))
  await b.backUp()
  await damage(join(b.out, b.artifact()))
  await assert.rejects(b.prove(join(b.out, b.artifact())), { code: 'proof-failed' })
})

test('an index that does not agree with its table is damage, though every row can be read', async (t) => {
  const path = await file(t, orders)
  const bytes = await readFile(path)
  bytes.write('ordex', bytes.indexOf('order 2999'))
  await writeFile(path, bytes)
  const b = await bench(t, path)
  await assert.rejects(b.backUp(), {
    code: 'dump-failed',
    message: /is damaged: .*index by_text/,
    retry: false,
  })
})

test('a damaged dump never becomes a file at the target', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  await damage(join(b.out, b.artifact()))
  await assert.rejects(b.restore(backup), { code: 'restore-failed' })
  assert.deepEqual(await readdir(dirname(path)), ['shop.db'])
})

/** Overwrites a page in the middle, as a broken disk would. */
async function damage(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  await handle.write(Buffer.alloc(4096, 0x5a), 0, 4096, 4096 * 5)
  await handle.close()
}

test('a database that was never written to is backed up and restored', async (t) => {
  const path = join(await temporary(t), 'new.db')
  await writeFile(path, '')
  const b = await bench(t, path)
  const backup = await b.backUp()
  assert.deepEqual(backup.tables, [])
  assert.deepEqual((await b.restore(backup)).tables, [])
})

test('what is no database, no file or may not be read is refused with a reason', async (t) => {
  const folder = await temporary(t)
  await writeFile(join(folder, 'text.db'), 'hello\n'.repeat(200))
  const cases = { [join(folder, 'text.db')]: /is not a SQLite database/, [folder]: /is not a file/ }
  for (const [path, message] of Object.entries(cases)) {
    const b = await bench(t, path)
    await assert.rejects(b.source.inspect(b.series, never), { code: 'database-refused', message })
  }
})

test('the restored file is named and open to others as the original is', async (t) => {
  const path = await file(t, orders)
  await chmod(path, 0o640)
  const b = await bench(t, path)
  const restored = await b.restore(await b.backUp())
  const target = join(dirname(path), 'shop_restore_20261120_060000.db')
  assert.equal((await stat(target)).mode & 0o777, 0o640)
  assert.equal(restored.open, `sqlite3 ${target}`)
  assert.deepEqual((await readdir(dirname(path))).toSorted(), ['shop.db', basename(target)])
  assert.equal(rowsOf(target), rowsOf(path))
})

test('the copy of a file with a write-ahead log is one plain file', async (t) => {
  const path = await file(t, `PRAGMA journal_mode = WAL; ${orders}`)
  const b = await bench(t, path)
  await b.backUp()
  const head = (await readFile(join(b.out, b.artifact()))).subarray(18, 20)
  assert.deepEqual([...head], [1, 1]) // https://www.sqlite.org/fileformat.html: 2 would be WAL
})

const at = (database: string): TargetRequest => ({ ...beside, database })

test('a name chooses a file beside the original, and cannot climb out', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  assert.equal((await b.source.plan(backup, at('copy.db'), never)).name, join(dirname(path), 'copy.db'))
  for (const name of ['../x.db', 'a/b.db', '..', '', 'x/', `${'n'.repeat(250)}.db`, 'a\0b'])
    await assert.rejects(
      b.source.plan(backup, at(name), never),
      { code: 'target-invalid' },
      JSON.stringify(name),
    )
})

test('a target is refused where a file, a dangling link or somebody’s journal has its name', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  await writeFile(join(dirname(path), 'a.db'), '')
  await symlink('/no/such/file', join(dirname(path), 'b.db'))
  await writeFile(join(dirname(path), 'c.db-wal'), 'frames')
  for (const [name, code] of Object.entries({
    'a.db': 'target-exists',
    'b.db': 'target-exists',
    'c.db': 'target-invalid',
  }))
    await assert.rejects(b.restore(backup, at(name)), { code }, name)
  const plan = await b.source.plan(backup, at('/no/such/folder/x.db'), never)
  assert.match(plan.blockers.join(), /the folder \/no\/such\/folder does not exist/)
})

test('rows that refer to missing ones are said, and do not stop a backup', async (t) => {
  const path = await file(
    t,
    `PRAGMA foreign_keys = OFF; CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a); INSERT INTO b VALUES (7)`,
  )
  const b = await bench(t, path)
  const backup = await b.backUp()
  assert.ok(b.said.includes('sqlite: 1 rows refer to missing ones, in b'), b.said.join('\n'))
  assert.deepEqual((await b.restore(backup)).warnings, ['1 rows refer to missing ones, in b'])
})

test('an abort in the middle of a check ends its process', async (t) => {
  const path = await file(
    t,
    `${orders} INSERT INTO orders (text) SELECT a.text || b.id FROM orders a, orders b LIMIT 1500000`,
  )
  const controller = new AbortController()
  const b = await openBench(t, { facts: { driver: sqlite }, url: fileUrl(path), signal: controller.signal })
  const reason = new Error('somebody cancelled')
  const rejected = assert.rejects(b.backUp(), (error) => error === reason)
  while (strays(new Set([b.runId])).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await new Promise((resolve) => setTimeout(resolve, 300))
  controller.abort(reason)
  await rejected
  assert.deepEqual(strays(new Set([b.runId])), [])
  assert.deepEqual(await readdir(b.folder), [])
})

test('a stored file that still has a write-ahead log’s header is restored without litter', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  const artifact = await open(join(b.out, b.artifact()), 'r+')
  await artifact.write(Buffer.from([2, 2]), 0, 2, 18)
  await artifact.close()
  await b.prove(join(b.out, b.artifact()))
  await b.restore(backup)
  assert.deepEqual((await readdir(dirname(path))).toSorted(), ['shop.db', 'shop_restore_20261120_060000.db'])
  assert.deepEqual(await readdir(b.folder), [])
})

test('what a restore that was killed left beside the original is removed by its run id', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  await writeFile(join(dirname(path), '.shop_restore_x.db.run-7.partial'), 'half')
  await writeFile(join(dirname(path), '.shop_restore_x.db.run-7.partial-wal'), '')
  assert.equal(await b.source.terminate('run-8', never), 0)
  assert.equal(await b.source.terminate('run-7', never), 2)
  assert.deepEqual(await readdir(dirname(path)), ['shop.db'])
})

test('… and what it left in another folder, where its target was', async (t) => {
  const elsewhere = await temporary(t)
  await writeFile(join(elsewhere, '.again.db.run-7.partial'), 'half')
  const b = await openBench(t, {
    facts: { driver: sqlite, options: {} },
    url: fileUrl(await file(t, orders)),
    settings: { restoreUrl: fileUrl(join(elsewhere, 'again.db')) },
  })
  assert.equal(await b.source.terminate('run-7', never), 1)
  assert.deepEqual(await readdir(elsewhere), [])
})

/** Somebody's file, overwritten. */
const over = (path: string): TargetRequest => ({ ...at(path), clean: true })

test('an overwritten file keeps its owner, its rights and the link to it', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  const [target, link] = [join(await temporary(t), 'report.db'), join(dirname(path), 'report.db')]
  await writeFile(target, '')
  await chmod(target, 0o604)
  const owner = process.getuid!() === 0 ? 65_534 : process.getuid!()
  await chown(target, owner, process.getgid!())
  await symlink(target, link)
  const plan = await b.source.plan(backup, over(link), never)
  assert.deepEqual([plan.name, plan.blockers], [target, []])
  await b.restore(backup, over(link))
  const { uid, mode } = await stat(target)
  assert.deepEqual([uid, mode & 0o7777, await readlink(link)], [owner, 0o604, target])
  assert.equal(rowsOf(target), rowsOf(path))
  assert.deepEqual((await readdir(dirname(target))).toSorted(), [
    'report.db',
    'report.db.replaced_20261120_060000',
  ])
})

test('a file that another process has open is not overwritten', async (t) => {
  const path = await file(t, orders)
  const b = await bench(t, path)
  const backup = await b.backUp()
  const target = join(dirname(path), 'report.db')
  await copyFile(path, target)
  const input = await open(target)
  const holder = spawn('sleep', ['1000'], { stdio: [input.fd, 'ignore', 'ignore'] })
  t.after(() => endProcess(holder))
  await input.close()
  const plan = await b.source.plan(backup, over(target), never)
  assert.match(plan.blockers.join(), new RegExp(`is open in process ${holder.pid} \\(`))
  const before = rowsOf(target)
  await assert.rejects(b.restore(backup, over(target)), { code: 'database-locked' })
  assert.equal(rowsOf(target), before)
  assert.deepEqual((await readdir(dirname(path))).toSorted(), ['report.db', 'shop.db'])
})

test('a restore beside a link lies beside the file that it leads to', async (t) => {
  const path = await file(t, orders)
  const link = join(await temporary(t), 'app.db')
  await symlink(path, link)
  const b = await bench(t, link)
  const restored = await b.restore(await b.backUp())
  assert.equal(restored.open, `sqlite3 ${join(dirname(path), 'shop_restore_20261120_060000.db')}`)
  await writeFile(join(dirname(path), '.shop_restore_x.db.run-7.partial'), 'half')
  assert.equal(await b.source.terminate('run-7', never), 1)
})
