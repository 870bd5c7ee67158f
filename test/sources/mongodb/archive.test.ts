import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BSON } from 'mongodb'
import { createArchiveReader, readFront } from '../../../src/sources/mongodb/archive.ts'
import { readPlain } from '../../../src/sources/mongodb/bson.ts'
import { addToCrc, endOfCrc, startCrc } from '../../../src/sources/mongodb/crc64.ts'
import type { Proof } from '../../../src/sources/source.ts'
import { document } from './documents.ts'
import { crcOf, writeBlock, writeEnd, writeFront } from '../../support/mongo/archive.ts'

const orders = Array.from({ length: 7 }, (_, id) => document({ _id: id, text: 'ä'.repeat(id) }))
const people = [document({ _id: 'a' })]
const indexes = JSON.stringify({ indexes: [{ name: '_id_' }, { name: 'text_1' }] })
const front = writeFront([
  { db: 'shop', collection: 'orders', type: 'collection', metadata: indexes },
  { db: 'shop', collection: 'people', type: 'collection', metadata: '' },
  { db: 'shop', collection: 'recent', type: 'view', metadata: '{"options":{"viewOn":"orders"}}' },
])
const parts = [
  front,
  writeBlock('shop', 'orders', orders.slice(0, 3)),
  writeBlock('shop', 'people', people),
  writeBlock('shop', 'orders', orders.slice(3)),
  writeEnd('shop', 'people', people),
  writeEnd('shop', 'recent', []),
  writeEnd('shop', 'orders', orders),
]
const whole = Buffer.concat(parts)

function read(bytes: Buffer, size = bytes.length || 1): Proof {
  const reader = createArchiveReader()
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    reader.take(chunk)
    chunk.fill(0xff) // its bytes are gone when it returns
  }
  return reader.end()
}

suite('archives of mongodump', () => {
  test('rows and objects are counted the same, whatever the chunks are', () => {
    const expected: Proof = {
      rawBytes: whole.length,
      tables: [
        { name: 'orders', rows: 7 },
        { name: 'people', rows: 1 },
      ],
      objects: { collection: 2, index: 2, view: 1 },
    }
    for (const size of [1, 2, 3, 5, 7, 16, 64, 1_000_000]) assert.deepEqual(read(whole, size), expected)
  })

  test('one that is cut at any byte is refused', () => {
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => read(whole.subarray(0, length)), { code: 'proof-failed' }, `${length} bytes`)
  })

  test('a document with a byte changed anywhere is refused', () => {
    const from = front.length
    for (let at = from; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x10
      assert.throws(() => read(changed), { code: 'proof-failed' }, `byte ${at}`)
    }
  })

  const broken: Record<string, Buffer[]> = {
    'bytes behind the end': [...parts, Buffer.from([0])],
    'a collection that nobody listed': [...parts, writeEnd('shop', 'stranger', [])],
    'a collection that ends twice': [...parts, writeEnd('shop', 'orders', orders)],
    'documents behind the end': [...parts, writeBlock('shop', 'orders', orders)],
    'a collection that is listed and never comes': parts.slice(0, -1),
    'a document left out': [front, writeBlock('shop', 'orders', orders.slice(1)), ...parts.slice(2, 3), ...parts.slice(4)], // prettier-ignore
    'another order of documents': [front, writeBlock('shop', 'orders', orders.toReversed()), ...parts.slice(2, 3), ...parts.slice(4)], // prettier-ignore
    'a block without a header': [front, Buffer.from([0xff, 0xff, 0xff, 0xff]), ...parts.slice(1)],
    'a header larger than any document': [front, Buffer.from([0xff, 0xff, 0xff, 0x7f])],
  }
  for (const [what, pieces] of Object.entries(broken))
    test(`${what}: refused`, () => assert.throws(() => read(Buffer.concat(pieces)), { code: 'proof-failed' }))

  test('of no collection at all is whole behind its front', () => {
    assert.deepEqual(read(writeFront([])).tables, [])
  })

  test('the front says what it is of, as far as it is there', () => {
    assert.deepEqual(readFront(whole), {
      serverVersion: '7.0.14',
      toolVersion: '100.0.0-stub',
      database: 'shop',
    })
    assert.deepEqual(readFront(whole.subarray(0, 6)), {
      serverVersion: null,
      toolVersion: null,
      database: null,
    })
    assert.equal(readFront(Buffer.from('PGDMP')), null)
  })
})

test('the CRC is CRC-64 of ECMA-182 as Go has it, at every length', () => {
  const of = (bytes: Buffer): bigint => {
    const crc = startCrc()
    addToCrc(crc, bytes, 0, bytes.length)
    return endOfCrc(crc)
  }
  // the check value of CRC-64/XZ in the catalogue of parametrised CRC algorithms
  assert.equal(BigInt.asUintN(64, of(Buffer.from('123456789'))), 0x995dc9bbdf1939fan)
  for (let length = 0; length < 40; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 73 + length) & 0xff))
    assert.equal(of(bytes), crcOf([bytes]).toBigInt(), `${length} bytes`)
  }
})

test('headers are read as the BSON library reads them, and damaged ones never crash', () => {
  const header = { db: 'ä', EOF: true, CRC: BSON.Long.fromNumber(-5), size: new BSON.Int32(3), none: null }
  const bytes = document(header)
  assert.deepEqual({ ...readPlain(bytes) }, { db: 'ä', EOF: true, CRC: -5n, size: 3, none: null })
  for (let at = 0; at < bytes.length; at++)
    for (const byte of [0, 1, 0x02, 0x7f, 0xff]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = byte
      readPlain(damaged)
    }
  assert.equal(readPlain(document({ nested: {} })), null)
})
