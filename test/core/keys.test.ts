import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backupFolder, backupId, checkKey, checkPrefix, namePattern, parseBackupId, safeSegment, shortId } from '../../src/core/keys.ts' // prettier-ignore
import { randomFrom } from '../support/random.ts'

const name = fc.stringMatching(new RegExp(namePattern))
const instant = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2200, 0) })

test('a backup id says its strategy and second, whatever the strategy is called', () => {
  fc.assert(
    fc.property(name, instant, fc.integer(), (strategy, at, seed) => {
      const id = backupId(strategy, at, randomFrom(seed))
      assert.deepEqual(parseBackupId(id), { strategy, at: Math.floor(at / 1000) * 1000 })
      assert.match(shortId(id), /^[a-z0-9]{4}$/)
      checkKey(`${id}/dump.zst`)
    }),
  )
})

test('a backup id looks as documented', () => {
  const id = backupId('production-db', Date.UTC(2026, 10, 20, 6), () => 0.3)
  assert.match(id, /^production-db-20261120T060000Z-[a-z0-9]{4}$/)
})

test('the ids of one strategy sort by time', () => {
  fc.assert(
    fc.property(name, instant, instant, (strategy, a, b) => {
      fc.pre(Math.floor(a / 1000) < Math.floor(b / 1000))
      assert.ok(backupId(strategy, a, () => 0.999) < backupId(strategy, b, () => 0))
    }),
  )
})

test('what is not a backup id is not read as one', () => {
  for (const text of [
    '',
    'shop',
    'shop-20261120T060000Z',
    'shop-20261320T060000Z-k3f9',
    'Shop-20261120T060000Z-k3f9',
    '../shop-20261120T060000Z-k3f9',
    'shop-20261120T060000Z-K3F9',
  ])
    // prettier-ignore
    assert.equal(parseBackupId(text), null, text)
})

test('a backup’s folder has a series folder only when there are several', () => {
  const id = 'shop-20260203T060000Z-k3f9'
  assert.equal(backupFolder(id, { name: 'orders', sole: true }), `shop/2026/02/${id}/`)
  assert.equal(backupFolder(id, { name: 'ord/ers', sole: false }), `shop/ord_2fers/2026/02/${id}/`)
  assert.throws(() => backupFolder('shop', { name: 'orders', sole: true }), { code: 'internal' })
})

test('any database name becomes one harmless part of a key, and distinct names stay distinct', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (database) => {
      const segment = safeSegment(database)
      checkKey(`a/${segment}/b`)
      assert.ok(!segment.includes('/'))
    }),
  )
  const names = ['a', 'A', 'a_', 'a_5f', 'a/b', 'a_2fb', '.', '..', '.a', '_2ea', 'ä', 'a b', '日本']
  assert.equal(new Set(names.map(safeSegment)).size, names.length)
})

test('a name of any length makes a folder that every place takes, and distinct names stay distinct', () => {
  const id = backupId('x'.repeat(63), Date.parse('2026-02-03T04:05:06Z'), () => 0)
  const names = [64, 255].flatMap((length) => ['a', 'b'].map((last) => '顧'.repeat(length - 1) + last))
  for (const name of names) {
    checkKey(`${backupFolder(id, { name, sole: false })}manifest.json`)
    assert.ok(safeSegment(name).length <= 200)
  }
  assert.equal(new Set(names.map(safeSegment)).size, names.length)
  assert.equal(safeSegment('x'.repeat(200)), 'x'.repeat(200), 'nobody else gets another name')
})

test('a key keeps to its characters, its length and its place', () => {
  for (const key of ['a', 'a/b', '...', 'a/..b', '.hidden', '-x', 'x'.repeat(512)]) checkKey(key)
  for (const key of [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    './a',
    'a/.',
    'ä',
    'a b',
    'a\0',
    'a\n',
    'a\\b',
    'x'.repeat(513),
  ])
    // prettier-ignore
    assert.throws(() => checkKey(key), { code: 'usage' }, JSON.stringify(key))
})

test('a prefix may end anywhere, but not climb', () => {
  for (const prefix of ['', 'a', 'a/', 'a/.', 'a/..', '.', 'a/b']) checkPrefix(prefix)
  for (const prefix of ['/', 'a//', '../', 'a/../', './', 'ä']) assert.throws(() => checkPrefix(prefix), { code: 'usage' }, prefix) // prettier-ignore
})
