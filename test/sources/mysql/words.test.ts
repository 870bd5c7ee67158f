import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../../src/core/faults.ts'
import { sessionFault, toolFault } from '../../../src/sources/mysql/faults.ts'
import { connectionTo } from '../../../src/sources/mysql/url.ts'
import { ToolFailure } from '../../../src/sys/process.ts'

const connection = connectionTo('mysql://u:p@h/shop')
const words = "Duplicate entry 'lost connection' for key 'said'"

test('what a row says is not taken for the server’s trouble', () => {
  const failure = new ToolFailure('mariadb', { code: 1, signal: null }, [
    `ERROR 1062 (23000) at line 40: ${words}`,
  ])
  assert.equal((toolFault(failure, connection, 'restore-failed') as Fault).code, 'restore-failed')
  const error = Object.assign(new Error(words), { code: 'ER_DUP_ENTRY', errno: 1062 })
  assert.equal(sessionFault(error, connection).code, 'database-refused')
})

test('words alone are enough where there is no number', () => {
  const lost = new Error('Connection lost: The server closed the connection, server has gone away')
  assert.equal(sessionFault(lost, connection).code, 'database-unreachable')
})
