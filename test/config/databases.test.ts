import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import type { Config } from '../../src/core/config.ts'
import { globalsName, isChosen } from '../../src/core/databases.ts'
import { filters } from '../../src/filters/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'

function load(strategy: Record<string, unknown>): Config {
  const text = JSON.stringify({
    global: { storages: { disk: { type: 'local', path: '/b' } } },
    strategies: [{ name: 'server', database_url: 'postgres://me@db/postgres', ...strategy }],
  })
  const readFile = (): string => ''
  return loadConfig(
    { path: '/c.yml', text, environment: {}, dotenv: null, readFile },
    { sources, storages, filters },
  )
}

function mistakeIn(strategy: Record<string, unknown>): string {
  try {
    load(strategy)
  } catch (error) {
    assert.ok(error instanceof ConfigMistakes)
    return error.mistakes.map(({ path, wrong }) => `${path} ${wrong}`).join('\n')
  }
  return ''
}

test('`all` is every database, and a group says which', () => {
  const of = (databases: unknown) => load({ databases }).strategies[0]!.source.databases
  assert.deepEqual(of('all'), { include: ['*'], exclude: [] })
  assert.deepEqual(of({ exclude: ['tmp_?'] }), { include: ['*'], exclude: ['tmp_?'] })
  assert.equal(load({}).strategies[0]!.source.databases, null)
})

test('a file has no other databases, and an empty choice is a mistake', () => {
  assert.equal(
    mistakeIn({ database_url: 'sqlite:///b/shop.db', databases: 'all' }),
    'strategies[0].databases a SQLite URL stands for one database alone',
  )
  assert.equal(
    mistakeIn({ databases: { include: [] } }),
    'strategies[0].databases.include an empty list chooses nothing',
  )
})

test('what is hardly meant is a warning', () => {
  const { warnings } = load({ databases: 'all', options: { tables: ['x'] } })
  assert.match(warnings.join('\n'), /tables holds for every database of the server/)
  assert.match(
    load({ retention: { max_age: '30d', keep_gone: '9d' } }).warnings.join('\n'),
    /keep_gone is about databases that a server no longer has/,
  )
  assert.deepEqual(load({ databases: 'all', retention: { keep_gone: '9d' } }).warnings, [])
})

test('patterns mean what they do in a shell, and nothing else in them does', () => {
  const choice = { include: ['client_*', 'a.b', '?'], exclude: ['*_tmp'] }
  const chosen = ['client_1', 'client_', 'client_x_tmp', 'a.b', 'axb', 'x', 'é', 'xy', 'Client_1'].filter(
    (name) => isChosen(choice, name),
  )
  assert.deepEqual(chosen, ['client_1', 'client_', 'a.b', 'x', 'é'])
})

test('the roles of a server never have the name of a database', () => {
  assert.equal(globalsName(['app']), 'globals')
  assert.equal(globalsName(['globals', 'globals (server)']), 'globals (server) (server)')
})

test('a place for copies that a whole server’s backup takes is a mistake, by any of its hosts, until it is excluded there', () => {
  const withPlace = (databases: unknown) => ({
    database_url: 'postgres://me@other,db/postgres',
    databases,
    clones: { staging: { database_url: 'postgres://me@db:5432/crm' } },
  })
  for (const databases of ['all', { include: ['c*'] }, { exclude: ['shop'] }])
    assert.match(
      mistakeIn(withPlace(databases)),
      /staging\.database_url "?crm"? is a database that strategy "?server"? backs up with its server/,
    )
  assert.equal(mistakeIn(withPlace({ exclude: ['crm'] })), '')
})
