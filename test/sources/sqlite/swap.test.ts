import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFile, link, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { sqlite } from '../../../src/sources/sqlite/index.ts'
import type { Swap, Swapping } from '../../../src/sources/source.ts'
import { beside, openBench, temporary } from '../../contracts/source.ts'
import { endProcess } from '../../support/ended.ts'
import { fileUrl } from './files.ts'

const never = new AbortController().signal
const stamp = '20261120_060000'

interface Pair {
  file: string
  folder: string
  swap: Swap
  swapping: Swapping
  url: string
}

function write(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

function who(file: string): unknown {
  const database = new DatabaseSync(file)
  const row = database
    .prepare('SELECT name, (SELECT journal_mode FROM pragma_journal_mode) AS mode FROM who')
    .get()!
  database.close()
  return `${String(row['name'])} ${String(row['mode'])}`
}

/** A file with a log, and a restored one beside it. */
async function pair(t: TestContext): Promise<Pair> {
  const folder = await temporary(t)
  const names = {
    name: join(folder, 'shop.db'),
    beside: join(folder, `shop_restore_${stamp}.db`),
    kept: join(folder, `shop_before_${stamp}.db`),
  }
  write(names.name, `PRAGMA journal_mode = WAL; CREATE TABLE who (name); INSERT INTO who VALUES ('old')`)
  write(names.beside, `CREATE TABLE who (name); INSERT INTO who VALUES ('new')`)
  const url = fileUrl(names.name)
  const { source } = await openBench(t, { facts: { driver: sqlite }, url })
  const swapping = source.swap!
  return { file: names.name, folder, swapping, swap: await swapping.identify(names, never), url }
}

const how = { force: true, carry: true }

/** What an application that died leaves: rows in the log only. */
async function crashedWriter(file: string): Promise<void> {
  const script = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(process.argv[1])
    d.exec("PRAGMA wal_autocheckpoint = 0; UPDATE who SET name = 'late'"); process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, file])
  await new Promise((resolve) => child.once('exit', resolve))
}

test('a file with an open log is replaced with all that the log held kept, and put back as it was', async (t) => {
  const { file, folder, swapping, swap } = await pair(t)
  await crashedWriter(file)
  assert.ok((await stat(`${file}-wal`)).size > 0)
  await swapping.exchange(swap, how, never)
  assert.deepEqual([who(file), who(swap.kept)], ['new wal', 'late wal'])
  assert.equal((await stat(file)).mode, (await stat(swap.kept)).mode)
  assert.deepEqual((await readdir(folder)).toSorted(), [`shop.db`, `shop_before_${stamp}.db`])
  assert.equal(await swapping.standing(swap, never), 'new')
  const back = await swapping.identify({ name: file, beside: swap.kept, kept: swap.beside }, never)
  await swapping.exchange(back, how, never)
  assert.deepEqual([who(file), who(swap.beside)], ['late wal', 'new wal'])
  assert.equal(await swapping.standing(swap, never), 'old')
})

test('a file that another process has open is not taken away from it', async (t) => {
  const { file, folder, swapping, swap, url } = await pair(t)
  for (const mode of ['wal', 'delete']) {
    write(file, `PRAGMA journal_mode = ${mode}`)
    const script = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(process.argv[1])
      d.prepare('SELECT * FROM who').all(); console.log('open'); setInterval(() => {}, 1e6)`
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, file])
    t.after(() => endProcess(child))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const { source } = await openBench(t, { facts: { driver: sqlite }, url })
    const backup = { format: 'sqlite', database: 'shop' } as never
    const plan = await source.plan(
      backup,
      { ...beside, stamp: '20261120_060001', inPlace: { freshnessSql: 'SELECT name FROM who' } },
      never,
    )
    assert.match(plan.blockers.join(), new RegExp(`is open in process ${child.pid} \\(node`))
    assert.deepEqual([plan.mode, plan.newest, plan.name], ['in-place', 'old', file])
    await assert.rejects(swapping.exchange(swap, how, never), {
      code: 'database-locked',
      message: /open in another process/,
    })
    await endProcess(child)
    assert.equal(who(file), `old ${mode}`)
  }
  assert.equal(
    (await readdir(folder)).some((name) => name.includes('_before_')),
    false,
  )
})

test('who dies between the two steps leaves the old file in place, and the next swap works', async (t) => {
  const { file, swapping, swap } = await pair(t)
  await link(file, swap.kept)
  assert.equal(await swapping.standing(swap, never), 'old')
  await swapping.exchange(swap, how, never)
  assert.deepEqual([who(file), who(swap.kept)], ['new wal', 'old wal'])
})

test('only the very file that was kept is removed', async (t) => {
  const { file, swapping, swap } = await pair(t)
  await swapping.exchange(swap, how, never)
  const other = join(dirname(file), 'other.db')
  await copyFile(swap.kept, other)
  await rm(swap.kept)
  await copyFile(other, swap.kept)
  assert.equal(await swapping.remove({ name: swap.kept, id: swap.oldId }, never), 'foreign')
  assert.equal(await swapping.remove({ name: file, id: swap.newId }, never), 'removed')
  assert.equal(await swapping.remove({ name: file, id: swap.newId }, never), 'absent')
})

/** An application's folder with a link to a file on a volume, which has a log. */
async function linked(t: TestContext) {
  const [app, volume] = [await temporary(t), await temporary(t)]
  const [link, real] = [join(app, 'shop.db'), join(volume, 'real.db')]
  write(real, `PRAGMA journal_mode = WAL; CREATE TABLE who (name); INSERT INTO who VALUES ('old')`)
  await symlink(real, link)
  const { source } = await openBench(t, { facts: { driver: sqlite }, url: fileUrl(link) })
  const backup = { format: 'sqlite', database: 'shop' } as never
  const plan = await source.plan(backup, { ...beside, inPlace: { freshnessSql: null } }, never)
  write(plan.swap!.beside, `CREATE TABLE who (name); INSERT INTO who VALUES ('new')`)
  return { app, volume, link, real, plan, swapping: source.swap! }
}

test('in place of a link, the file that it leads to is replaced, put back and let go; the link stays', async (t) => {
  const { app, volume, link, real, plan, swapping } = await linked(t)
  assert.deepEqual([plan.name, plan.endpoint], [real, volume])
  const names = plan.swap!
  await crashedWriter(link)
  const swap = await swapping.identify(names, never)
  await swapping.exchange(swap, how, never)
  assert.deepEqual([who(link), who(real), who(names.kept)], ['new wal', 'new wal', 'late wal'])
  const back = await swapping.identify({ name: names.name, beside: names.kept, kept: names.beside }, never)
  await swapping.exchange(back, how, never)
  assert.deepEqual([who(link), who(names.beside), await readlink(link)], ['late wal', 'new wal', real])
  assert.equal(await swapping.remove({ name: names.beside, id: swap.newId }, never), 'removed')
  assert.deepEqual([await readdir(app), await readdir(volume)], [['shop.db'], ['real.db']])
})

test('who dies between the two steps of a linked file leaves the old one in place, and the next swap works', async (t) => {
  const { link: linkPath, real, plan, swapping } = await linked(t)
  const swap = await swapping.identify(plan.swap!, never)
  await link(real, swap.kept)
  assert.equal(await swapping.standing(swap, never), 'old')
  await swapping.exchange(swap, how, never)
  assert.equal(await swapping.standing(swap, never), 'new')
  assert.deepEqual([who(linkPath), who(swap.kept), await readlink(linkPath)], ['new wal', 'old wal', real])
})

test('a link that somebody put in the place of a swapped file is not exchanged and not removed', async (t) => {
  const { file, folder, swapping, swap } = await pair(t)
  await rename(file, join(folder, 'moved.db'))
  await symlink(join(folder, 'moved.db'), file)
  assert.equal(await swapping.standing(swap, never), 'neither')
  await assert.rejects(swapping.exchange(swap, how, never), { code: 'target-invalid' })
  assert.equal(await swapping.remove({ name: file, id: swap.oldId }, never), 'foreign')
  assert.equal(await readlink(file), join(folder, 'moved.db'))
})

test('a damaged file is replaced, unless what lies beside it would be taken for the new one’s', async (t) => {
  const { file, swapping, swap } = await pair(t)
  await writeFile(file, 'no database at all'.repeat(100))
  await writeFile(`${file}-shm`, 'index')
  await assert.rejects(swapping.exchange(swap, how, never), { message: /-shm is in the way/ })
  await rm(`${file}-shm`)
  await swapping.exchange(swap, how, never)
  assert.equal(who(file), 'new delete')
})
