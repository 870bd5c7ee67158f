import assert from 'node:assert/strict'
import { S3 } from '@aws-sdk/client-s3'
import { test } from 'node:test'
import { silentLog } from '../../src/core/log.ts'
import { usualLimits, type Bucket } from '../../src/storages/s3/client.ts'
import { s3 } from '../../src/storages/s3/index.ts'
import { listPage } from '../../src/storages/s3/list.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { startS3 } from '../support/s3/server.ts'

const signal = new AbortController().signal

test('in a bucket that others use, too, only uploads of our own keys are ended', async (t) => {
  const server = await startS3(t)
  const { bucket, credentials } = server
  const storage = s3.open('shared', server.options(), { clock: systemClock, log: silentLog })
  const others = new S3({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: { accessKeyId: credentials.access_key, secretAccessKey: credentials.secret_key },
  })
  t.after(() => others.destroy())
  const ours = 'shop/2026/11/shop-20261120T060000Z-k3f9/shop.dump.zst'
  for (const Key of ['videos/holiday-2026.mp4', ours])
    await others.createMultipartUpload({ Bucket: bucket, Key })
  const isOurs = (key: string): boolean => key === ours
  assert.equal(await storage.sweep({ olderThan: Date.now() + 60_000, isOurs }, signal), 1)
  assert.deepEqual(
    server.openUploads().map(({ key }) => key),
    ['videos/holiday-2026.mp4'],
  )
})

test('a page that was cut before its first object is not the end of a listing', async () => {
  const answers: Record<string, object> = {
    first: { IsTruncated: true, NextContinuationToken: 'second' },
    second: { IsTruncated: true, NextContinuationToken: 'third' },
    third: { IsTruncated: false, Contents: [{ Key: 'shop/a', Size: 1 }] },
  }
  const asked = { prefix: 'shop/', cursor: null, signal }
  assert.deepEqual(
    (await listPage(answering(answers), asked)).objects.map(({ key }) => key),
    ['shop/a'],
  )
  const endless = { first: { IsTruncated: true } }
  await assert.rejects(listPage(answering(endless), asked), { code: 'storage-unreachable' })
})

/** A server as no stand-in is: its answers by continuation token. */
function answering(answers: Record<string, object>): Bucket {
  const listObjectsV2 = async ({ ContinuationToken = 'first' }: { ContinuationToken?: string }) =>
    answers[ContinuationToken]
  return {
    clock: systemClock,
    log: silentLog,
    limits: usualLimits,
    settings: { bucket: 'b', prefix: '', location: 's3://b' } as Bucket['settings'],
    call: async (_, send) => send({ listObjectsV2 } as never, { abortSignal: signal }),
  }
}
