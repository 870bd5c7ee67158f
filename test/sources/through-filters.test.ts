import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { postgres } from '../../src/sources/postgres/index.ts'
import { sqlite } from '../../src/sources/sqlite/index.ts'
import { openBench, temporary } from '../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { contentOf } from './postgres/databases.ts'
import { enginePipes } from './pipes.ts'
import { fileUrl, rowsOf } from './sqlite/files.ts'

const never = new AbortController().signal
const rows = 60_000 // more than any pipe holds: whoever stops reading early is noticed
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(
    `CREATE TABLE orders AS SELECT i, md5(i::text) AS text FROM generate_series(1, ${rows}) i`,
    'shop',
  )
})
after(() => server.close())

/** With the installed programs, and with Node's own streams where there are none. */
const surroundings = { programs: process.env, streams: { PATH: '/no/programs' } }

for (const kind of ['zstd', 'gzip'])
  for (const [how, environment] of Object.entries(surroundings))
    suite(`through ${kind} by ${how}`, () => {
      test('PostgreSQL is dumped, proved and restored row for row', async (t) => {
        const setting = { facts: { driver: postgres }, pipes: enginePipes([kind]), environment }
        const b = await openBench(t, { ...setting, url: server.url('shop') })
        const backup = await b.backUp()
        assert.deepEqual(backup.tables, [{ name: 'public.orders', rows }])
        const { name } = await b.source.plan(backup, request(kind + how), never)
        await b.restore(backup, request(kind + how))
        assert.equal(await contentOf(server, name), await contentOf(server, 'shop'))
      })

      test('SQLite is copied, proved and restored row for row', async (t) => {
        const path = join(await temporary(t), 'shop.db')
        const database = new DatabaseSync(path)
        database.exec(
          `CREATE TABLE orders (text); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
           INSERT INTO orders SELECT hex(randomblob(20)) FROM n`,
        )
        database.close()
        const setting = { facts: { driver: sqlite }, pipes: enginePipes([kind]), environment }
        const b = await openBench(t, { ...setting, url: fileUrl(path) })
        const backup = await b.backUp()
        const restored = await b.restore(backup)
        assert.deepEqual(restored.tables, [{ name: 'orders', rows }])
        const { name } = await b.source.plan(backup, request('20261120_060000'), never)
        assert.equal(digest(rowsOf(name)), digest(rowsOf(path)))
      })

      test('a stored byte that was changed does not pass the proof', async (t) => {
        const setting = { facts: { driver: postgres }, pipes: enginePipes([kind]), environment }
        const b = await openBench(t, { ...setting, url: server.url('shop') })
        await b.backUp()
        const path = join(b.out, b.artifact())
        const handle = await open(path, 'r+')
        await handle.write(Buffer.from([0xa5, 0x5a, 0xa5, 0x5a]), 0, 4, 20_000)
        await handle.close()
        await assert.rejects(b.prove(path))
      })
    })

function request(stamp: string) {
  return { database: null, url: null, stamp, noOwner: false }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
