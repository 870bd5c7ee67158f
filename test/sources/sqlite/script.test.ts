import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStatements } from '../../../src/sources/sqlite/script.ts'

function cut(text: string): [string[], string] {
  const statements = createStatements()
  return [statements.take(text), statements.rest()]
}

test('a last statement without its semicolon is whole, whatever its texts hold', () => {
  for (const last of [`UPDATE users SET email = 'a--b'`, `UPDATE a SET b = '/* no comment */'`])
    assert.deepEqual(cut(`DELETE FROM log;\n${last}\n`), [['DELETE FROM log;'], last])
})

test('nothing is left behind a script that ends in comments', () => {
  assert.deepEqual(cut('SELECT 1; -- done\n/* really * done */ -- yes')[1], '')
  assert.equal(cut(`SELECT 1; ${'/**/ /* a */'.repeat(2000)} SELECT 2`)[1].endsWith('SELECT 2'), true)
})
