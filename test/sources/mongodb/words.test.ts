import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../../src/core/faults.ts'
import { sessionFault, toolFault } from '../../../src/sources/mongodb/faults.ts'
import { connectionTo, uriOf } from '../../../src/sources/mongodb/url.ts'
import { ToolFailure } from '../../../src/sys/process.ts'

const connection = connectionTo('mongodb://u:p@h/shop')

test('a URL as Atlas hands it out is taken, without its name for programs', () => {
  const url = 'mongodb+srv://u:p@cluster0.abc.mongodb.net/shop?retryWrites=true&w=majority&appName=Cluster0'
  assert.equal(
    uriOf(connectionTo(url)),
    'mongodb+srv://u:p@cluster0.abc.mongodb.net/?retryWrites=true&w=majority',
  )
})

test('what a document says is not taken for the server’s trouble', () => {
  const words = `E11000 duplicate key error collection: shop.log index: said_1 dup key: { said: "connection \\"refused: connection refused" }`
  const failure = new ToolFailure('mongorestore', { code: 1, signal: null }, [
    `2026-11-20T06:00:00.000+0000\tFailed: shop.log: error restoring from archive on stdin: ${words}`,
  ])
  assert.equal((toolFault(failure, connection, 'restore-failed') as Fault).code, 'restore-failed')
  const error = Object.assign(new Error(words), { name: 'MongoServerError', code: 11_000 })
  assert.equal(sessionFault(error, connection).code, 'database-refused')
})
