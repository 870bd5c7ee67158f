import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { randomFrom, seedOf } from '../support/random.ts'
import { makeWorldFolder } from '../support/world.ts'
import { roundTrip } from './round-trip.ts'
import { awkward } from './sqlite-awkward.ts'
import { randomSchema } from './sqlite-random.ts'
import { sqliteSubject } from './sqlite.ts'

async function made(t: TestContext, name: string, statements: string[]): Promise<string> {
  const file = join(await makeWorldFolder(t), name)
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  for (const statement of statements) database.exec(statement)
  database.close()
  return file
}

const mb = 1_000_000
const bigRowBytes = (process.env.EVERY ? 100 : 16) * mb

test('a file with every awkward thing comes back equal, object by object and row by row', async (t) => {
  const file = await made(t, `it's "ä" %41 ? # ;.db`, awkward(bigRowBytes))
  const backup = await roundTrip(t, sqliteSubject(file))
  t.diagnostic(`${backup.tables} tables, ${backup.rows} rows`)
})

const schemas = process.env.EVERY ? 100 : 8

test(`${schemas} random schemas come back equal, object by object and row by row`, async (t) => {
  const seed = seedOf(t)
  for (let i = 0; i < schemas; i++)
    await t.test(`schema ${i}`, async (inner) => {
      const file = await made(inner, 'random.db', randomSchema(randomFrom(seed + i)))
      await roundTrip(inner, sqliteSubject(file))
    })
})
