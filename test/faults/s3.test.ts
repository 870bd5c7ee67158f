import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import { fastClock } from '../support/fast-clock.ts'
import { makeFolder } from '../support/local.ts'
import { openBucket } from '../support/s3/make.ts'
import type { Rule } from '../support/s3/misbehaviour.ts'
import { startS3, type S3Options, type S3Server } from '../support/s3/server.ts'
import { makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const mib = 1024 * 1024
const hour = 3_600_000
const never = new AbortController().signal

interface Bucketed {
  world: World
  s3: S3Server
  clock: ReturnType<typeof fastClock>
}

/** A world whose only place is a bucket, and a database of 12 MB: three parts. */
async function bucketed(
  t: TestContext,
  options: S3Options & { own?: Record<string, unknown> } = {},
): Promise<Bucketed> {
  const { own, ...rules } = options
  const s3 = await startS3(t, rules)
  const clock = fastClock(50, Date.now())
  const disk = { type: 's3', ...s3.options({ part_size: '5MiB', ...own }) }
  const world = await makeWorld(t, {
    clock,
    global: {
      storages: { disk },
      compression: 'none',
      retry: { max_attempts: 2 },
      retention: { max_age: '30m', min_keep: 1 },
    },
  })
  const shop = new DatabaseSync(join(world.folder, 'shop.db'))
  shop.exec('CREATE TABLE scans AS SELECT 1 AS id, randomblob(12000000) AS picture')
  shop.close()
  return { world, s3, clock }
}

/** Nothing is open in the bucket, nothing lies there that nobody knows, and every end is told. */
async function assertClean({ world, s3 }: Bucketed): Promise<void> {
  await world.deliver()
  assert.deepEqual(s3.openUploads(), [])
  await assertWorld(world)
}

const refused = (answer: number, code: string, times = Infinity): Rule => ({
  on: 'any',
  times,
  trouble: { answer, code },
})

suite(
  'a bucket that stumbles is tried again, and the backup is whole (promises 2 and 7)',
  { concurrency: 2 },
  () => {
    const rules: [string, Rule[]][] = [
      ['a burst of 503', [refused(503, 'SlowDown', 5)]],
      ['a burst of 500', [refused(500, 'InternalError', 5)]],
      ['a burst of 429', [refused(429, 'TooManyRequests', 5)]],
      [
        'a request cut at byte 2,000,000',
        [{ on: 'UploadPart', times: 3, trouble: { cutRequestAt: 2_000_000 } }],
      ],
      ['the answer to a PUT lost', [{ on: 'PutObject', times: 2, trouble: { cutAnswerAt: 0 } }]],
      ['the answer to a part lost', [{ on: 'UploadPart', times: 2, trouble: { cutAnswerAt: 0 } }]],
      [
        'the answer to CompleteMultipartUpload lost',
        [{ on: 'CompleteMultipartUpload', trouble: { cutAnswerAt: 0 } }],
      ],
      [
        'a 200 with an error in it',
        [{ on: 'CompleteMultipartUpload', trouble: { answer: 500, code: 'InternalError', in200: true } }],
      ],
    ]
    for (const [what, list] of rules)
      test(what, async (t) => {
        const here = await bucketed(t)
        for (const rule of list) here.s3.misbehave(rule)
        const run = await here.world.backup()
        assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
        await assertClean(here)
      })

    test('checksum headers refused', async (t) => {
      const here = await bucketed(t, { checksums: 'refused' })
      assert.equal((await here.world.backup()).state, 'succeeded')
      await assertClean(here)
    })
  },
)

suite(
  'a bucket that refuses ends the run with what to do, and nothing is left (promises 3 and 7)',
  { concurrency: 2 },
  () => {
    const refusals: [string, (s3: S3Server) => void, RegExp][] = [
      ['expired credentials', (s3) => s3.misbehave(refused(400, 'ExpiredToken')), /expired|credentials/i],
      ['a clock too far off', (s3) => s3.misbehave(refused(403, 'RequestTimeTooSkewed')), /clock|time/i],
      ['writes denied', (s3) => s3.deny('PutObject', 'CreateMultipartUpload'), /PutObject|denied|refuse/i],
      ['the bucket is gone', (s3) => s3.dropBucket(), /bucket/i],
    ]
    for (const [what, spoil, words] of refusals)
      test(what, async (t) => {
        const here = await bucketed(t)
        spoil(here.s3)
        const run = await here.world.backup()
        assert.equal(run.state, 'failed')
        assert.match(`${run.fault?.text} ${run.fault?.hint}`, words)
        assert.deepEqual([here.s3.objects(), here.s3.openUploads()], [[], []])
        await here.world.deliver()
        await assertWorld(here.world, { skipStorage: true })
      })

    test('the bucket is in another region', async (t) => {
      const here = await bucketed(t, { region: 'eu-west-1', own: { region: 'us-east-1' } })
      const run = await here.world.backup()
      assert.equal(run.state, 'failed')
      assert.match(`${run.fault?.text} ${run.fault?.hint}`, /eu-west-1|region/)
      assert.deepEqual(here.s3.objects(), [])
    })
  },
)

suite(
  'retention in a bucket that does not let it look or delete (promises 5 and 6)',
  { concurrency: 2 },
  () => {
    /** Two backups, the first old enough to go; what the second run's prune may not do leaves it there. */
    async function pruneWith(
      t: TestContext,
      spoil: (s3: S3Server) => void,
    ): Promise<Bucketed & { first: RunView }> {
      const here = await bucketed(t, { pageKeys: 1 })
      const first = await here.world.backup()
      here.clock.jump(2 * hour)
      spoil(here.s3)
      assert.equal((await here.world.backup()).state, 'succeeded')
      return { ...here, first }
    }

    test('a listing that fails on page 3 deletes nothing, and is told', async (t) => {
      let listsAgain = (): void => undefined
      const here = await pruneWith(t, (s3) => {
        const trouble = { answer: 403, code: 'AccessDenied' }
        listsAgain = s3.misbehave({ on: 'ListObjectsV2', after: 2, times: Infinity, trouble })
      })
      listsAgain()
      assert.equal((await here.world.engine.backups({ limit: 9 })).length, 2)
      assert.match(here.world.logged.join(''), /frozen|could not be listed|not be deleted|prune/i)
      await assertClean(here)
    })

    test('deletes denied keep the old backup whole and listed', async (t) => {
      const here = await pruneWith(t, (s3) => s3.deny('DeleteObject'))
      assert.equal((await here.world.engine.backups({ limit: 9 })).length, 2)
      await assertClean(here)
      here.s3.allow('DeleteObject')
      here.clock.jump(2 * hour)
      assert.equal((await here.world.backup()).state, 'succeeded')
      assert.ok(
        !(await here.world.engine.backups({ limit: 9 })).some(({ id }) => id === here.first.backup?.id),
      )
      await assertClean(here)
    })
  },
)

suite('reading back (promises 9 and 12)', { concurrency: 2 }, () => {
  const spoiled: [string, Rule['trouble']][] = [
    ['cut', { cutAnswerAt: 300_000 }],
    ['shortened', { shortenAnswerTo: 300_000 }],
    ['altered on its way', { flipAnswerAt: 300_000 }],
  ]
  for (const [what, trouble] of spoiled)
    test(`an answer that is ${what} condemns no backup, and reaches no target`, async (t) => {
      const here = await bucketed(t)
      const { backup } = await here.world.backup()
      here.s3.misbehave({ on: 'GetObject', key: '.db', times: 1, trouble })
      const { id } = await here.world.engine.startVerify(backup!.id, 'V1', person)
      const verified = await here.world.finish(id)
      t.diagnostic(`verify: ${verified.state} ${verified.fault?.code ?? ''}`)
      assert.equal(
        (await here.world.engine.backup(backup!.id, null)).view.corrupt,
        null,
        'the stored bytes are good',
      )
      await assertClean(here)
    })

  test('an object that was deleted behind us is missing, said so, and not offered any more', async (t) => {
    const here = await bucketed(t)
    const { backup } = await here.world.backup()
    const dump = here.s3.objects().find((key) => key.includes('shop.db'))!
    here.s3.drop(dump)
    const { id } = await here.world.engine.startVerify(backup!.id, 'V1', person)
    const verified = await here.world.finish(id)
    assert.deepEqual([verified.state, verified.fault?.code], ['failed', 'object-missing'])
    const ask = {
      backup: backup!.id,
      strategy: null,
      targetDb: null,
      targetUrl: null,
      noOwner: false,
      reason: null,
    }
    await assert.rejects(async () => {
      const request = await here.world.engine.requestRestore(ask, person)
      const { run } = await here.world.engine.confirm(request.id, request.version, person)
      const { fault } = await here.world.finish(run!)
      throw Object.assign(new Error(fault?.text), { code: fault?.code })
    }, /no such object/)
  })
})

suite('the connection to a bucket', () => {
  test('a server that never answers is left after its deadline, and the next try works', async (t) => {
    const s3 = await startS3(t)
    const storage = openBucket(s3.options, { limits: { connectMs: 300, stallMs: 300 } })
    s3.misbehave({ on: 'PutObject', trouble: { blackhole: true } })
    const receipt = await storage.put('a', bytesSpool(Buffer.from('x')), { ifAbsent: true, signal: never })
    assert.equal(receipt.bytes, 1)
    assert.deepEqual(s3.openUploads(), [])
  })

  test('a dump that needs more parts than there may be gets larger parts', async (t) => {
    const s3 = await startS3(t, { maxParts: 4 })
    const storage = openBucket(s3.options, { limits: { maxParts: 4 } })
    const receipt = await storage.put('a', bytesSpool(Buffer.alloc(48 * mib, 'x')), {
      ifAbsent: true,
      signal: never,
    })
    assert.equal(receipt.bytes, 48 * mib)
    assert.deepEqual(s3.openUploads(), [])
  })

  test('a certificate of another host is refused, and said', async (t) => {
    const folder = await makeFolder(t)
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=other.example',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    )
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
      response.end(),
    )
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const s3 = await startS3(t)
    const storage = openBucket((own) => s3.options({ ...own, endpoint: `https://127.0.0.1:${port}` }), {
      limits: { tries: 1 },
    })
    await assert.rejects(
      storage.put('a', bytesSpool(Buffer.from('x')), { ifAbsent: true, signal: never }),
      (error: Error & { code?: string; hint?: string | null }) =>
        error.code === 'storage-unreachable' && /certificate/i.test(`${error.message} ${error.hint}`),
    )
  })
})
