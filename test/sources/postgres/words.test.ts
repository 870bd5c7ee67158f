import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault, FaultCode } from '../../../src/core/faults.ts'
import { sessionFault, toolFault } from '../../../src/sources/postgres/faults.ts'
import { connectionTo } from '../../../src/sources/postgres/url.ts'
import { ToolFailure } from '../../../src/sys/process.ts'

const connection = connectionTo('postgres://u:p@h/shop')

function codeOf(tool: string, lines: string[], otherwise: FaultCode): string {
  return (toolFault(new ToolFailure(tool, { code: 1, signal: null }, lines), connection, otherwise) as Fault)
    .code
}

const check = `pg_restore: error: could not execute query: ERROR:  new row for relation "log" violates check constraint "log_check"`

for (const text of ['connection refused', 'no such file or directory', 'password authentication failed'])
  test(`a row that says “${text}” is a failed restore, not a server in trouble`, () => {
    const detail = `DETAIL:  Failing row contains (1, ${text}).`
    const context = `CONTEXT:  COPY log, line 1: "1	${text}"`
    assert.equal(codeOf('pg_restore', [check, detail, context], 'restore-failed'), 'restore-failed')
    const quoting = `psql:dump.sql:7: ERROR:  invalid input syntax for type integer: "${text}"`
    assert.equal(codeOf('psql', [quoting], 'restore-failed'), 'restore-failed')
    const warned = [`WARNING:  ${text}`, 'pg_restore: error: could not read from input file: end of file']
    assert.equal(codeOf('pg_restore', warned, 'restore-failed'), 'restore-failed')
  })

test('a row is not told as a full disk of ours', () => {
  const lines = [
    check,
    'DETAIL:  Failing row contains (1,',
    'pg_restore: error: could not write: no space left on device',
  ]
  assert.equal(codeOf('pg_restore', lines, 'restore-failed'), 'restore-failed')
})

test('a file that the server lacks is not a server that is away', () => {
  const words = `could not open extension control file "/usr/share/postgresql/15/extension/postgis.control": No such file or directory`
  assert.equal(codeOf('psql', [`psql:dump.sql:6: ERROR:  ${words}`], 'restore-failed'), 'restore-failed')
  const error = Object.assign(new Error(words), { code: '58P01', severity: 'ERROR' })
  assert.equal(sessionFault(error, connection).code, 'database-refused')
})

test('what a server says of a statement, and of a connection, is still recognised', () => {
  const dump = (...lines: string[]): string => codeOf('pg_dump', lines, 'dump-failed')
  const query = 'pg_dump: detail: Query was: LOCK TABLE public.orders IN ACCESS SHARE MODE'
  const timeout = 'pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout'
  assert.equal(dump(timeout, query), 'database-locked')
  assert.equal(dump(timeout), 'dump-failed')
  assert.equal(
    dump('pg_dump: error: query failed: ERROR:  permission denied for table "x"'),
    'database-refused',
  )
  const ended = 'pg_dump: error: query failed: FATAL:  terminating connection due to administrator command'
  assert.equal(dump(ended, 'server closed the connection unexpectedly'), 'database-unreachable')
})
