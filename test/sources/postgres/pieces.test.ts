import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { databaseArgument } from '../../../src/sources/postgres/environment.ts'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { parseQualified, restoreName, tableName } from '../../../src/sources/postgres/names.ts'
import { dumpArguments } from '../../../src/sources/postgres/options.ts'
import { forDump, forServer, majorOf, type Program } from '../../../src/sources/postgres/programs.ts'
import { parseConnection } from '../../../src/sources/postgres/url.ts'

suite('URLs of PostgreSQL', () => {
  test('user, password and database are decoded, and what is left out gets its default', () => {
    assert.deepEqual(parseConnection('postgresql://a%40b:p%3A%2F%25@db.example/my%20shop?sslmode=require'), {
      host: 'db.example',
      port: 5432,
      user: 'a@b',
      password: 'p:/%',
      database: 'my shop',
      parameters: { sslmode: 'require' },
    })
  })

  test('a unix socket is named by ?host=, an IPv6 address in brackets', () => {
    const ends = ['postgres://u@/shop?host=/run/postgresql', 'postgres://u@[::1]:5433/shop'].map((url) => {
      const parsed = postgres.parseUrl(url)
      return 'mistake' in parsed ? parsed.mistake : parsed.endpoint
    })
    assert.deepEqual(ends, ['/run/postgresql/.s.PGSQL.5432', '[::1]:5433'])
  })

  test('a password counts as a secret in the form of the URL and in its own', () => {
    const parsed = postgres.parseUrl('postgres://u:p%40ss@h/shop')
    assert.deepEqual(!('mistake' in parsed) && parsed.secrets, ['p@ss', 'p%40ss'])
  })
})

suite('the client program', () => {
  const programs: Program[] = [13, 15, 17].map((major) => ({
    path: `/pg${major}/x`,
    major,
    version: `${major}.1`,
  }))

  test('for a dump is of the server’s own major, else the nearest newer one', () => {
    assert.equal(forServer(programs, 15).major, 15)
    assert.equal(forServer(programs, 14).major, 15)
    assert.equal(forServer(programs, 12).major, 13)
  })

  test('that is older than the server is refused, with the package to install', () => {
    assert.throws(() => forServer(programs, 18), {
      code: 'tool-too-old',
      hint: /postgresql-client-18 .*postgresql18-client/,
    })
    assert.throws(() => forServer([], 16), { code: 'tool-missing', hint: /postgresql-client-16 / })
  })

  test('for a restore is not older than the one that dumped, and no newer than needed', () => {
    assert.equal(forDump(programs, 14).major, 15)
    assert.equal(forDump(programs, null).major, 17)
    assert.throws(() => forDump(programs, 18), { code: 'tool-too-old' })
  })

  test('is told by the first digits of its version', () => {
    assert.deepEqual(['15.18', '17beta1', null, 'x'].map(majorOf), [15, 17, null, null])
  })
})

suite('names', () => {
  test('of tables are quoted only where they would be ambiguous', () => {
    assert.equal(tableName('public', 'order'), 'public.order')
    assert.equal(tableName('a.b', 'c "d"'), '"a.b"."c ""d"""')
    assert.equal(tableName('public', 'Größe'), 'public.Größe')
    assert.deepEqual(parseQualified('"a.b"."c ""d""" (x)'), { schema: 'a.b', table: 'c "d"' })
    assert.deepEqual(parseQualified('public.e  FROM'), { schema: 'public', table: 'e' })
  })

  test('of restore targets fit into 63 bytes without cutting a character', () => {
    const name = restoreName('ü'.repeat(31), '20261120_060000')
    assert.equal(name, `${'ü'.repeat(19)}_restore_20261120_060000`)
    assert.ok(Buffer.byteLength(name) <= 63)
  })

  test('cannot break out of a connection string', () => {
    assert.equal(databaseArgument(`x' host='evil\\`), `dbname='x\\' host=\\'evil\\\\'`)
  })
})

test('options become arguments of pg_dump that cannot be taken for others', () => {
  assert.deepEqual(dumpArguments({ tables: ['--file=/etc/passwd', 'a b'], lock_timeout: '2m' }), [
    '--lock-wait-timeout=120000',
    '--table=--file=/etc/passwd',
    '--table=a b',
    '--strict-names',
  ])
  assert.deepEqual(dumpArguments({}), ['--lock-wait-timeout=60000'])
})
