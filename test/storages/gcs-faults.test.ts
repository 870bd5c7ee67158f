import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Storage as Library } from '@google-cloud/storage'
import { suite, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { silentLog } from '../../src/core/log.ts'
import { gcs } from '../../src/storages/gcs/index.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { bytesSpool, type Spool } from '../../src/sys/spool.ts'
import { openStandIn, type Opened } from '../support/gcs/make.ts'
import { hastyClock } from '../support/hasty-clock.ts'
import type { GcsAction } from '../support/gcs/server.ts'
import { makeFolder } from '../support/local.ts'

const signal = new AbortController().signal
const mib = 1024 * 1024
const key = 'shop/1/dump'
const stored = 'backups/shop/shop/1/dump'
const unit = 256 * 1024
const limits = { chunkBytes: unit, tries: 4, endMs: 60_000 }
const bytes = Buffer.alloc(3 * unit + 5, Buffer.from(Array.from({ length: 251 }, (_, at) => at)))

const put = (storage: Storage, body: Buffer, ifAbsent = true) =>
  storage.put(key, bytesSpool(body), { ifAbsent, signal })

async function assertWhole({ storage, server }: Opened): Promise<void> {
  assert.ok(bytes.equals(await buffer(await storage.get(key, { signal }))))
  assert.deepEqual([server.openUploads(), [...server.store.objects.keys()]], [[], [stored]])
}

/** An upload whose name was lost with its answer: it holds nothing, nobody can end it, and it vanishes by itself. */
function forgetUnknown({ server }: Opened): void {
  const { sessions } = server.store
  for (const [id, { end }] of sessions) if (end === null) sessions.delete(id)
}

suite('gcs: when things go wrong', () => {
  test('bursts of 503 and 429, cut requests and lost answers at any step are survived', async (t) => {
    const troubles = [
      { answer: 503, code: 'backendError' },
      { answer: 429, code: 'rateLimitExceeded' },
      { cutRequestAt: 0 },
      { cutAnswerAt: 0 },
    ]
    for (const on of ['token', 'begin', 'chunk', 'get', 'media'] satisfies GcsAction[])
      for (const trouble of troubles) {
        const opened = await openStandIn(t, { limits })
        opened.server.misbehave({ on, times: 2, trouble })
        assert.equal(
          (await put(opened.storage, bytes)).bytes,
          bytes.length,
          `${on} ${JSON.stringify(trouble)}`,
        )
        if (on === 'begin') forgetUnknown(opened)
        await assertWhole(opened)
      }
  })

  test('each answer to a chunk is lost once, the last one too, and no byte is doubled or missed', async (t) => {
    for (const after of [0, 1, 2, 3]) {
      const opened = await openStandIn(t, { limits })
      opened.server.misbehave({ on: 'chunk', after, times: 1, trouble: { cutAnswerAt: 0 } })
      await put(opened.storage, bytes)
      await assertWhole(opened)
    }
  })

  test('of a chunk of which only a part was kept the rest is sent', async (t) => {
    const opened = await openStandIn(t, { limits: { ...limits, chunkBytes: 3 * unit } })
    opened.server.store.keepAtMost = unit
    await put(opened.storage, bytes)
    await assertWhole(opened)
  })

  test('the lost answer to a small object that was stored is no failure', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    server.misbehave({ on: 'insert', trouble: { cutAnswerAt: 0 } })
    assert.equal((await put(storage, Buffer.from('small'))).bytes, 5)
  })

  test('a service that stays away is unreachable, and no upload stays open', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    server.misbehave({ on: 'chunk', times: Infinity, trouble: { answer: 503, code: 'backendError' } })
    await assert.rejects(put(storage, bytes), { code: 'storage-unreachable', message: /answered 503/ })
    assert.deepEqual([server.openUploads(), server.store.objects.size], [[], 0])
  })

  test('a call that is never answered ends by its deadline', async (t) => {
    const { storage, server } = await openStandIn(t, { limits: { ...limits, tries: 1, callMs: 300 } })
    server.misbehave({ on: 'get', times: Infinity, trouble: { blackhole: true } })
    await assert.rejects(storage.head(key, signal), { code: 'storage-unreachable' })
  })

  test('other bytes than were sent are never called stored', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    const { sessions } = server.store
    const sneaky: Spool = {
      ...bytesSpool(bytes),
      ended: () => false,
      async read(offset, length, by) {
        const found = [...sessions.values()].at(-1)
        if (found && found.kept.length > 0) found.kept[7] = 255
        return bytesSpool(bytes).read(offset, length, by)
      },
    }
    await assert.rejects(storage.put(key, sneaky, { ifAbsent: true, signal }), { code: 'object-corrupt' })
    assert.deepEqual([server.openUploads(), server.store.objects.size], [[], 0])
  })

  test('an altered answer to a small object is not believed', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    server.misbehave({ on: 'media', trouble: { shortenAnswerTo: 3 } })
    await put(storage, Buffer.from('small'))
    assert.equal((await buffer(await storage.get(key, { signal }))).toString(), 'small')
  })

  test('a token that ends or is withdrawn is renewed, one for all who wait', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    await Promise.all(Array.from({ length: 9 }, () => storage.head(key, signal)))
    assert.equal(server.tokens.given, 1)
    server.tokens.revokeAll()
    assert.equal((await put(storage, bytes)).bytes, bytes.length)
    assert.equal(server.tokens.given, 2)
  })

  test('who is cancelled does not wait for a token', { timeout: 60_000 }, async (t) => {
    const patient = { ...limits, callMs: 3_600_000, stallMs: 3_600_000 }
    const { storage, server } = await openStandIn(t, { limits: patient })
    server.misbehave({ on: 'token', times: Infinity, trouble: { blackhole: true } })
    const cancel = new AbortController()
    const looking = storage.head(key, cancel.signal)
    setTimeout(() => cancel.abort(new Error('somebody cancelled')), 50)
    await assert.rejects(looking, /somebody cancelled/)
  })

  test('a wrong, withdrawn or missing key is denied, with words that show no key', async (t) => {
    const { server, storage, options } = await openStandIn(t, { limits })
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const wrong = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const file = join(await makeFolder(t), 'wrong.json')
    const opened = (): Storage =>
      gcs.open('gcs', { ...options, key_file: file }, { clock: hastyClock, log: silentLog })
    await assert.rejects(put(opened(), bytes), { code: 'storage-denied', message: /cannot be read/ })
    await writeFile(file, 'junk')
    await assert.rejects(put(opened(), bytes), {
      code: 'storage-denied',
      message: /not a key of a service account/,
    })
    await writeFile(file, JSON.stringify({ ...server.keyFile(), private_key: wrong }))
    await assert.rejects(put(opened(), bytes), (fault: Error & { code?: string; hint?: string }) => {
      assert.deepEqual([fault.code, /does not accept the key/.test(fault.message)], ['storage-denied', true])
      return !`${fault.message} ${fault.hint}`.includes('PRIVATE')
    })
    server.tokens.dropKey()
    assert.equal((await storage.check(signal)).ok, false)
  })

  test('credentials that may only create are enough to store, and the check says what they may not', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    server.deny('get', 'media', 'list', 'delete')
    assert.equal((await put(storage, bytes)).bytes, bytes.length)
    await assert.rejects(put(storage, bytes), { code: 'storage-exists' })
    const { ok, text } = await storage.check(signal)
    assert.deepEqual([ok, /may not read, list, remove/.test(text)], [true, true], text)
  })

  test('a lost answer to who may only create is no name that is taken: a further attempt can store it', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    server.deny('get', 'media', 'list', 'delete')
    server.misbehave({ on: 'insert', times: 1, trouble: { cutAnswerAt: 0 } })
    const untold = { code: 'storage-unreachable', retry: true, message: /cannot be told.*may not read/ }
    await assert.rejects(put(storage, Buffer.from('small')), untold)
    await assert.rejects(put(storage, Buffer.from('small')), { code: 'storage-exists', retry: false })
  })

  test('what a policy keeps is retained, with its date', async (t) => {
    const { storage, server } = await openStandIn(t, { limits })
    await put(storage, Buffer.from('small'))
    assert.equal(await storage.retainUntil!(key, signal), null)
    server.store.retentionMs = 9 * 86_400_000
    const until = await storage.retainUntil!(key, signal)
    const message = new RegExp(`is retained until ${new Date(until!).toISOString().slice(0, 10)}`)
    await assert.rejects(storage.remove(key, signal), { code: 'object-retained', message })
    assert.deepEqual([...server.store.objects.keys()], [stored])
  })

  test('an object that is replaced while it is read is not mixed with the new one', async (t) => {
    const { storage } = await openStandIn(t)
    await put(storage, Buffer.alloc(5 * mib, 'a'))
    const stream = await storage.get(key, { signal })
    await put(storage, Buffer.alloc(5 * mib, 'b'), false)
    await assert.rejects(buffer(stream), { code: 'object-corrupt' })
  })

  test('a link is signed as Google’s own library signs it', async (t) => {
    const { storage, options } = await openStandIn(t, {
      options: { endpoint: 'https://storage.googleapis.com' },
    })
    const link = await storage.presign!(key, { expiresMs: 900_000, filename: 'shop.dump' }, signal)
    const stamp = new URL(link).searchParams.get('X-Goog-Date')!
    const at = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    const library = new Library({ projectId: 'x', keyFilename: String(options['key_file']) })
    const [theirs] = await library
      .bucket('backups')
      .file(stored)
      .getSignedUrl({
        version: 'v4',
        action: 'read',
        accessibleAt: at,
        expires: at + 900_000,
        queryParams: { 'response-content-disposition': 'attachment; filename="shop.dump"' },
      })
    const parts = (url: string): unknown => [
      new URL(url).origin + new URL(url).pathname,
      [...new URL(url).searchParams].map(String).toSorted(),
    ]
    assert.deepEqual(parts(link), parts(theirs))
  })

  test('mistakes in the options are told before anything is asked', () => {
    assert.equal(gcs.judge({ bucket: 'my-backups' }), null)
    assert.match(gcs.judge({ bucket: 'gs://my-backups' })?.mistake ?? '', /not the name of a bucket/)
    assert.match(gcs.judge({ bucket: 'my-backups', base_path: 'a/../b' })?.mistake ?? '', /base_path/)
  })
})
