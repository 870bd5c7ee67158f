import { after, before, test } from 'node:test'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { randomFrom, seedOf } from '../support/random.ts'
import { randomSchema } from './postgres-random.ts'
import { createWith, postgresSubject } from './postgres.ts'
import { roundTrip } from './round-trip.ts'

let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

const schemas = process.env.EVERY ? 100 : 6

test(`${schemas} random schemas come back equal, object by object and row by row`, async (t) => {
  const seed = seedOf(t)
  for (let i = 0; i < schemas; i++) {
    const database = `random_${i}`
    await createWith(server, database)
    for (const statement of randomSchema(randomFrom(seed + i))) await server.query(statement, database)
    await t.test(`schema ${i}`, async (inner) => {
      await roundTrip(inner, postgresSubject(server, database))
    })
  }
})
