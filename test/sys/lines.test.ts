import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { readLines } from '../../src/sys/lines.ts'

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = []
  await readLines(
    Readable.from(
      chunks.map((chunk) => Buffer.from(chunk)),
      { objectMode: false },
    ),
    (line) => lines.push(line),
  )
  return lines
}

test('lines come whole, however the bytes are cut', async () => {
  assert.deepEqual(await linesOf('on', 'e\ntw', 'o\r\n', '\n', 'three'), ['one', 'two', 'three'])
})

test('a letter cut between two chunks stays one letter', async () => {
  const euro = Buffer.from('5 €\n')
  assert.deepEqual(await linesOf(euro.subarray(0, 3), euro.subarray(3)), ['5 €'])
})

test('a line without end costs no memory, and what follows it is still read', async () => {
  const lines = await linesOf(...Array.from({ length: 100 }, () => 'x'.repeat(10_000)), '\nnext\n')
  assert.equal(lines.length, 2)
  assert.ok(lines[0]!.length <= 4_096)
  assert.equal(lines[1], 'next')
})

test('a stream that breaks gives the lines it had', async () => {
  const lines: string[] = []
  const stream = new Readable({ read() {} })
  stream.push('last words\nhalf')
  const done = readLines(stream, (line) => lines.push(line))
  setImmediate(() => stream.destroy(new Error('gone')))
  await done
  assert.deepEqual(lines.slice(0, 1), ['last words'])
})
