import assert from 'node:assert/strict'
import { writeSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, createFileSpool, followSpool, type FileSpool } from '../../src/sys/spool.ts'
import { makeFolder } from '../support/local.ts'
import { dumpLike, randomFrom } from '../support/random.ts'

const quiet = new AbortController().signal

test('a follower gets every byte while they are written, and ends only with the producer', async (t) => {
  const spool = await makeSpool(t)
  const bytes = dumpLike(1_000_003, randomFrom(1))
  let seen = 0
  const followed = buffer(followSpool(spool, quiet, (chunk) => (seen += chunk.length)))
  for (let at = 0; at < bytes.length; at += 99_991) {
    writeSync(spool.fd, bytes.subarray(at, at + 99_991))
    await systemClock.sleep(1)
  }
  await spool.finish()
  assert.ok(bytes.equals(await followed))
  assert.equal(seen, bytes.length)
})

test('a read waits for all it asked for, and is shorter only at the end', async (t) => {
  const spool = await makeSpool(t)
  const read = spool.read(2, 6, quiet)
  writeSync(spool.fd, 'abcd')
  await systemClock.sleep(30)
  writeSync(spool.fd, 'efghij')
  assert.equal((await read).toString(), 'cdefgh')
  assert.equal(spool.ended(), false)
  await spool.finish()
  assert.equal(spool.ended(), true)
  assert.equal((await spool.read(8, 100, quiet)).toString(), 'ij')
  assert.equal((await spool.read(10, 100, quiet)).length, 0)
  assert.equal((await spool.read(0, 3, quiet)).toString(), 'abc', 'readable again')
  assert.equal(await spool.size(), 10)
})

test('the producer’s failure reaches every reader, those that wait and those that come later', async (t) => {
  const spool = await makeSpool(t)
  writeSync(spool.fd, 'abc')
  const waiting = spool.read(0, 100, quiet)
  const failure = new Error('pg_dump died')
  spool.fail(failure)
  await assert.rejects(waiting, failure)
  await assert.rejects(spool.read(0, 1, quiet), failure)
  await assert.rejects(buffer(followSpool(spool, quiet)), failure)
})

test('a reader stops waiting when it is cancelled', async (t) => {
  const spool = await makeSpool(t)
  const cancel = new AbortController()
  const waiting = spool.read(0, 1, cancel.signal)
  cancel.abort(new Error('somebody cancelled'))
  await assert.rejects(waiting, /somebody cancelled/)
})

test('a spool is private and never takes over an existing file', async (t) => {
  const spool = await makeSpool(t)
  assert.equal((await stat(spool.path)).mode & 0o777, 0o600)
  const path = join(await makeFolder(t), 'taken')
  await writeFile(path, 'precious')
  await assert.rejects(createFileSpool(path, systemClock), { code: 'EEXIST' })
})

test('bytes that are already there read like a finished spool', async () => {
  const spool = bytesSpool(Buffer.from('manifest'))
  assert.equal(spool.ended(), true)
  assert.equal(await spool.size(), 8)
  assert.equal((await spool.read(4, 100, quiet)).toString(), 'fest')
  assert.equal((await spool.read(8, 100, quiet)).length, 0)
})

async function makeSpool(t: TestContext): Promise<FileSpool> {
  const spool = await createFileSpool(join(await makeFolder(t), 'spool'), systemClock)
  t.after(() => spool.close())
  return spool
}
