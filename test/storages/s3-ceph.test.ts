import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { Storage } from '../../src/storages/storage.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import { storageContract } from '../contracts/storage.ts'
import { startCeph, whyNoCeph, type Ceph } from '../support/s3/ceph.ts'
import { openBucket } from '../support/s3/make.ts'

const signal = new AbortController().signal
const partBytes = 5 * 1024 * 1024

suite('a real S3 server, Ceph RGW', { skip: whyNoCeph(), timeout: 180_000 }, () => {
  let ceph: Ceph
  before(async () => (ceph = await startCeph()))
  after(() => ceph.stop())

  async function make(_t: TestContext, own?: Record<string, unknown>, lock = false): Promise<Storage> {
    return openBucket(await ceph.makeBucket(lock), own ? { own } : {})
  }

  storageContract({
    kind: 's3 on Ceph RGW',
    make: async (t) => {
      const storage = await make(t)
      return { storage, everything: () => everythingIn(ceph, storage) }
    },
    firstBytes: partBytes,
    manyObjects: 1_010,
    missing: (t) => make(t, { bucket: 'not-made' }),
  })

  test('what Object Lock keeps is not removed, and the date is said', async (t) => {
    const lock = { mode: 'governance', days: 30 }
    const storage = await make(t, { object_lock: lock }, true)
    for (const [key, bytes] of [
      ['small', Buffer.from('x')],
      ['large', Buffer.alloc(partBytes + 7, 'x')],
    ] as const) {
      await storage.put(key, bytesSpool(bytes), { ifAbsent: true, signal })
      const until = await storage.retainUntil!(key, signal)
      assert.ok(Math.abs(until! - Date.now() - 30 * 86_400_000) < 120_000)
      await assert.rejects(storage.remove(key, signal), {
        code: 'object-retained',
        message: `${key} is retained until ${new Date(until!).toISOString().slice(0, 10)}`,
      })
      assert.equal((await storage.head(key, signal))?.bytes, bytes.length)
    }
  })

  test('a link opens the one object until it ends, and not when it was altered', async (t) => {
    const storage = await make(t)
    await storage.put('shop/x.dump', bytesSpool(Buffer.from('a dump')), { ifAbsent: true, signal })
    const link = (expiresMs: number): Promise<string> =>
      storage.presign!('shop/x.dump', { expiresMs, filename: 'x.dump' }, signal)
    const url = await link(900_000)
    const answer = await fetch(url)
    assert.deepEqual([answer.status, await answer.text()], [200, 'a dump'])
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="x.dump"')
    const altered = [
      url.replace('X-Amz-Expires=900', 'X-Amz-Expires=9000'),
      url.replace('x.dump?', 'y.dump?'),
    ]
    for (const one of altered) assert.equal((await fetch(one)).status, 403)
    const short = await link(1_000)
    await new Promise((over) => setTimeout(over, 2_500)) // the server's own clock has to pass
    assert.equal((await fetch(short)).status, 403)
  })

  test('a wrong key and a wrong secret are denied in plain words', async () => {
    const options = await ceph.makeBucket()
    for (const [own, hint] of [
      [{ access_key: 'nobody', secret_key: 'ceph-secret' }, /access_key/],
      [{ access_key: 'ceph-access', secret_key: 'wrong' }, /secret_key/],
    ] as const) {
      const storage = openBucket(options, { own: { credentials: own } })
      await assert.rejects(storage.list('', null, signal), { code: 'storage-denied', hint })
    }
  })
})

async function everythingIn({ s3 }: Ceph, storage: Storage): Promise<string[]> {
  const [, , bucket, ...base] = storage.location.split('/')
  const { Contents = [] } = await s3.listObjectsV2({ Bucket: bucket })
  const { Uploads = [] } = await s3.listMultipartUploads({ Bucket: bucket })
  return [...Contents, ...Uploads].map(({ Key }) => Key!.slice(base.join('/').length + 1)).sort()
}
