import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { awkward } from './postgres-awkward.ts'
import { createWith, postgresSubject } from './postgres.ts'
import { roundTrip } from './round-trip.ts'

let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

const mb = 1_000_000
const bigRowBytes = (process.env.EVERY ? 100 : 16) * mb

test('a database with every awkward thing comes back equal, object by object and row by row', async (t) => {
  const database = `it's "ä" %41 host=evil \\ ${'x'.repeat(37)}` // 63 bytes
  assert.equal(Buffer.byteLength(database), 63)
  await createWith(server, database)
  for (const statement of awkward(bigRowBytes)) await server.query(statement, database)
  const backup = await roundTrip(t, postgresSubject(server, database))
  t.diagnostic(`${backup.tables} tables, ${backup.rows} rows`)
})

const texts: [encoding: string, values: string[]][] = [
  ['LATIN1', [`'Zoë ÿ '`, `convert_from('\\xa4', 'LATIN1')`]],
  ['EUC_JP', [`convert_from('\\xc6fccbdcb8ec'::bytea, 'EUC_JP')`]],
  ['WIN1251', [`convert_from('\\xcff0e8e2e5f2'::bytea, 'WIN1251')`]],
  ['SQL_ASCII', [`'plain'`, `E'\\x93not utf-8\\xff\\xfe'`]],
]

for (const [encoding, values] of texts)
  test(`text in ${encoding} comes back byte for byte`, async (t) => {
    const create = `TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '${encoding}'`
    const database = `in_${encoding.toLowerCase()}`
    await createWith(server, database, create)
    await server.query(`CREATE TABLE texts (t text)`, database)
    for (const value of values) await server.query(`INSERT INTO texts VALUES (${value})`, database)
    await roundTrip(t, postgresSubject(server, database, create))
  })
