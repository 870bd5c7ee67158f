import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { bytesSpool } from '../../src/sys/spool.ts'
import { openBucket } from '../support/s3/make.ts'
import { startS3, type S3Server } from '../support/s3/server.ts'

const signal = new AbortController().signal
const bytes = Buffer.from('a dump')
const minutes = 60_000

async function linkTo(server: S3Server, own: Record<string, unknown> = {}): Promise<string> {
  const storage = openBucket(server.options, { own })
  await storage.put('shop/1/x.dump.zst', bytesSpool(bytes), { ifAbsent: true, signal })
  return storage.presign!(
    'shop/1/x.dump.zst',
    { expiresMs: 15 * minutes, filename: 'shop-1.dump.zst' },
    signal,
  )
}

async function scene(t: TestContext, options: Parameters<typeof startS3>[1] = {}) {
  let aheadMs = 0
  const server = await startS3(t, { ...options, now: () => Date.now() + aheadMs })
  return { server, later: (ms: number) => void (aheadMs = ms) }
}

suite('links to stored files', () => {
  test('whoever has the link reads the one file, under its name, and nothing else', async (t) => {
    const { server } = await scene(t)
    const url = await linkTo(server)
    const answer = await fetch(url)
    assert.deepEqual([answer.status, Buffer.from(await answer.arrayBuffer())], [200, bytes])
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="shop-1.dump.zst"')
    assert.equal((await fetch(url.replace('x.dump.zst?', 'manifest.json?'))).status, 403)
    for (const method of ['PUT', 'DELETE', 'HEAD']) assert.equal((await fetch(url, { method })).status, 403)
  })

  test('a link ends after its 15 minutes', async (t) => {
    const { server, later } = await scene(t)
    const url = await linkTo(server)
    later(14 * minutes)
    assert.equal((await fetch(url)).status, 200)
    later(16 * minutes)
    const refused = await fetch(url)
    assert.deepEqual([refused.status, /Request has expired/.test(await refused.text())], [403, true])
  })

  test('a link that was altered is refused, however little', async (t) => {
    const { server } = await scene(t)
    const url = await linkTo(server)
    const signature = new URL(url).searchParams.get('X-Amz-Signature')!
    const altered = [
      url.replace('X-Amz-Expires=900', 'X-Amz-Expires=90000'),
      url.replace(signature, signature.replace(/.$/, signature.endsWith('0') ? '1' : '0')),
      url.replace('shop-1.dump.zst', 'evil.html'),
      `${url}&versionId=1`,
    ]
    for (const one of altered) assert.equal((await fetch(one)).status, 403, one.replace(signature, '…'))
  })

  test('credentials of a session are in the link, and only those keys open it', async (t) => {
    const { server } = await scene(t, { sessionToken: 'session-token' })
    assert.equal((await fetch(await linkTo(server))).status, 200)
    const stranger = openBucket(server.options, {
      own: {
        credentials: {
          access_key: server.credentials.access_key,
          secret_key: 'wrong',
          session_token: 'session-token',
        },
      },
    })
    const forged = await stranger.presign!('shop/1/x.dump.zst', { expiresMs: minutes, filename: 'x' }, signal)
    assert.equal((await fetch(forged)).status, 403)
  })
})
