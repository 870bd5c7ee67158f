import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { loadConfig } from '../../../src/config/load.ts'
import { filters } from '../../../src/filters/registry.ts'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { sources } from '../../../src/sources/registry.ts'
import { storages } from '../../../src/storages/registry.ts'
import { openBench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { randomFrom, seedOf } from '../../support/random.ts'

let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query('CREATE TABLE sold (id int)', 'shop')
})
after(() => server.close())

// prettier-ignore
const nasty = [
  '%',
  ':',
  '@',
  '\\',
  '"',
  "'",
  ' ',
  '${',
  '$',
  '#',
  '/',
  '?',
  '&',
  '=',
  '+',
  '*',
  '\t',
  'ü',
  '日',
  '🗝',
  '%41',
  '%2',
  '\\:',
]

/** A password of 1 to 24 characters that are hard somewhere. */
function password(random: () => number): string {
  const pick = (): string => nasty[Math.floor(random() * nasty.length)]!
  return Array.from({ length: 1 + Math.floor(random() * 24) }, pick).join('')
}

/** The URL that the configuration makes of it, as field, in a URL by variable, or encoded by hand. */
function urlBy(way: 'fields' | 'variable' | 'encoded', secret: string): string {
  const at = `127.0.0.1:${server.port}/shop`
  const database = {
    fields: {
      connection: {
        type: 'postgres',
        host: '127.0.0.1',
        port: server.port,
        user: 'odd',
        password: '${DB_PASSWORD}',
        database: 'shop',
      },
    },
    variable: {
      connection: {
        type: 'postgres',
        host: '127.0.0.1',
        port: server.port,
        user: 'odd',
        password: secret.replaceAll('${', () => '$${'),
        database: 'shop',
      },
    },
    encoded: { database_url: `postgres://odd:${encodeURIComponent(secret)}@${at}` },
  }[way]
  const text = JSON.stringify({
    global: { storages: { disk: { type: 'local', path: '/b' } } },
    strategies: [{ name: 'shop', ...database }],
  })
  const outside = { environment: { DB_PASSWORD: secret }, dotenv: null, readFile: () => '' }
  return loadConfig({ path: '/c.yml', text, ...outside }, { sources, storages, filters }).strategies[0]!
    .source.url
}

suite('a password', () => {
  test('of any characters reaches the server, from sessions and pg_dump, however it is written', async (t) => {
    const random = randomFrom(seedOf(t))
    await server.query('CREATE ROLE odd LOGIN; GRANT pg_read_all_data TO odd')
    for (let round = 0; round < Number(process.env.EVERY ? 100 : 4); round++) {
      const secret = password(random)
      await server.query(`ALTER ROLE odd PASSWORD ${pg.escapeLiteral(secret)}`)
      for (const way of ['fields', 'variable', 'encoded'] as const) {
        const b = await openBench(t, { facts: { driver: postgres }, url: urlBy(way, secret) })
        const backup = await b
          .backUp()
          .catch((error: Error) => assert.fail(`${way} ${JSON.stringify(secret)}: ${error.message}`))
        assert.equal(backup.tables?.length, 1)
        assert.ok(!b.said.join().includes(secret) || secret.length < 3)
      }
    }
  })

  test('with a line break is refused in words: no password file can hold it', () => {
    for (const secret of ['a\nb', 'a\r', 'a\0b'])
      assert.throws(() => urlBy('fields', secret), /holds a control character/)
  })

  test('that is missing is not taken from files and variables of the machine', async (t) => {
    process.env.PGPASSWORD = server.password
    t.after(() => delete process.env.PGPASSWORD)
    const url = server.url('shop').replace(`:${server.password}@`, '@')
    const b = await openBench(t, { facts: { driver: postgres }, url })
    await assert.rejects(b.source.inspect(b.series, new AbortController().signal), {
      code: 'database-refused',
      message: /asks for the password of user "postgres", and the URL has none/,
    })
  })
})
