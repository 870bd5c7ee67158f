import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { buffer } from 'node:stream/consumers'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, createFileSpool, type FileSpool, type Spool } from '../../src/sys/spool.ts'
import { dumpLike, randomFrom, seedOf } from '../support/random.ts'

const mib = 1024 * 1024
const quiet = new AbortController().signal

export interface Place {
  storage: Storage
  /** Keys of all that lies in it, in order, unfinished uploads included: for looking behind the contract. */
  everything: () => Promise<string[]>
}

export interface StorageFacts {
  kind: string
  /** A fresh, empty place; what it needs is released by `t.after`. */
  make: (t: TestContext) => Promise<Place>
  /** What has to be there before an upload begins, and is seen by `everything`. Default 1 MiB. */
  firstBytes?: number
  /** Uploads are named before there is anything of them. */
  namedFirst?: true
  /** The place shows nobody its unfinished uploads, and ends them itself. */
  sweepsNothing?: true
  /** More objects than a page of a listing holds. Default 1,203. */
  manyObjects?: number
  /** A place that does not exist. */
  missing: (t: TestContext) => Promise<Storage>
}

const badKeys = [
  '', '/', '/etc/passwd', '..', '../x', 'a/../../x', 'a/..', '.', './a', 'a/./b', 'a//b', 'a/',
  'é', 'a b', 'a\0b', 'a\\b', 'a\nb', 'a?b', 'a*', '日本', 'x'.repeat(513), 'a/'.repeat(256) + 'b',
] // prettier-ignore

/** What every storage promises. */
export function storageContract(facts: StorageFacts): void {
  const { kind, make, missing, firstBytes = mib, manyObjects = 1_203 } = facts
  suite(`${kind}: contract of storages`, () => {
    test('what was put is there byte for byte, with its size and digest', async (t) => {
      const { storage } = await make(t)
      const random = randomFrom(seedOf(t))
      for (const size of [0, 1, mib - 1, mib, mib + 1, 5 * mib + 12_345]) {
        const bytes = dumpLike(size, random)
        const receipt = await put(storage, `shop/${size}/dump`, bytes)
        assert.deepEqual(receipt, { bytes: size, sha256: sha256(bytes) })
        assert.ok(bytes.equals(await fetched(storage, `shop/${size}/dump`)), `${size} bytes`)
        const head = await storage.head(`shop/${size}/dump`, quiet)
        assert.equal(head?.bytes, size)
        assert.ok(Math.abs(head.modifiedAt - systemClock.now()) < 60_000)
      }
    })

    test('keys of every allowed form work, up to 512 bytes', async (t) => {
      const { storage } = await make(t)
      const longest = `${'k'.repeat(200)}/${'k'.repeat(200)}/${'k'.repeat(110)}`
      assert.equal(longest.length, 512)
      const keys = ['a', 'A/b-c_d.e/..f', '...', 'a./.b', '-rf', longest, 'x/y/z/1/2/3/4/5/6/7/8/9']
      for (const key of keys) await put(storage, key, Buffer.from(key))
      for (const key of keys) assert.equal((await fetched(storage, key)).toString(), key)
      assert.deepEqual(await keysOf(storage), keys.toSorted())
    })

    test('a key that is absolute, climbs, is odd or too long is refused by every operation', async (t) => {
      const { storage, everything } = await make(t)
      for (const key of badKeys) {
        const refused = { code: 'usage' }
        await assert.rejects(put(storage, key, Buffer.from('x')), refused, JSON.stringify(key))
        await assert.rejects(storage.get(key, { signal: quiet }), refused, JSON.stringify(key))
        await assert.rejects(storage.head(key, quiet), refused, JSON.stringify(key))
        await assert.rejects(storage.remove(key, quiet), refused, JSON.stringify(key))
      }
      for (const prefix of ['/', '../', 'a/../', 'a//', 'é'])
        // prettier-ignore
        await assert.rejects(storage.list(prefix, null, quiet), { code: 'usage' }, prefix)
      assert.deepEqual(await everything(), [])
    })

    test('of 20 puts at once with ifAbsent exactly one wins, and its bytes stay', async (t) => {
      const { storage, everything } = await make(t)
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          put(storage, 'shop/id/manifest.json', Buffer.alloc(70_000 + i, i)),
        ),
      )
      const winners = all.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
      const codes = all.filter((result) => result.status === 'rejected').map(({ reason }) => codeOf(reason))
      assert.equal(winners.length, 1)
      assert.deepEqual(new Set(codes), new Set(['storage-exists']))
      const stored = await fetched(storage, 'shop/id/manifest.json')
      assert.equal(sha256(stored), winners[0]!.sha256)
      assert.deepEqual(await everything(), ['shop/id/manifest.json'])
    })

    test('ifAbsent never replaces; without it the object is replaced whole', async (t) => {
      const { storage } = await make(t)
      await put(storage, 'a/b', Buffer.from('first'))
      await assert.rejects(put(storage, 'a/b', Buffer.from('second')), { code: 'storage-exists' })
      assert.equal((await fetched(storage, 'a/b')).toString(), 'first')
      await storage.put('a/b', bytesSpool(Buffer.from('third, longer')), { ifAbsent: false, signal: quiet })
      assert.equal((await fetched(storage, 'a/b')).toString(), 'third, longer')
    })

    test('it follows a spool that is still being written, and says how far it came', async (t) => {
      const { storage } = await make(t)
      const spool = await growingSpool(t)
      const said: number[] = []
      const bytes = dumpLike(3 * firstBytes + 77, randomFrom(11))
      const stored = storage.put('shop/id/dump', spool, {
        ifAbsent: true,
        onState: (sent) => said.push(sent),
        signal: quiet,
      })
      for (let at = 0; at < bytes.length; at += 300_000) {
        assert.equal(await storage.head('shop/id/dump', quiet), null, 'visible before it is whole')
        writeSync(spool.fd, bytes.subarray(at, at + 300_000))
        await systemClock.sleep(5)
      }
      await spool.finish()
      assert.deepEqual(await stored, { bytes: bytes.length, sha256: sha256(bytes) })
      assert.ok(bytes.equals(await fetched(storage, 'shop/id/dump')))
      assert.equal(said.at(-1), bytes.length)
      assert.deepEqual(
        said,
        said.toSorted((a, b) => a - b),
      )
    })

    test('a dump that dies half-way leaves nothing behind', async (t) => {
      const { storage, everything } = await make(t)
      const spool = await growingSpool(t)
      const stored = storage.put('shop/id/dump', spool, { ifAbsent: true, signal: quiet })
      writeSync(spool.fd, Buffer.alloc(2 * firstBytes + 5))
      await systemClock.sleep(50)
      spool.fail(new Error('pg_dump died'))
      await assert.rejects(stored, /pg_dump died/)
      assert.equal(await storage.head('shop/id/dump', quiet), null)
      assert.deepEqual(await everything(), [])
    })

    test('a spool that fails at its very end leaves nothing behind', async (t) => {
      const { storage, everything } = await make(t)
      const late: Spool = {
        size: async () => 3 * firstBytes,
        ended: () => false,
        read: async (offset, length) => {
          if (offset >= 2 * firstBytes) throw new Error('lost')
          const wanted = typeof length === 'number' ? length : length.length
          return Buffer.alloc(Math.min(wanted, 2 * firstBytes - offset))
        },
      }
      const stored = storage.put('shop/id/dump', late, { ifAbsent: true, signal: quiet })
      await assert.rejects(stored, /lost/)
      assert.deepEqual(await everything(), [])
    })

    test('a cancelled put stops with the signal’s reason and leaves nothing behind', async (t) => {
      const { storage, everything } = await make(t)
      const spool = await growingSpool(t)
      const cancel = new AbortController()
      const stored = storage.put('shop/id/dump', spool, { ifAbsent: true, signal: cancel.signal })
      writeSync(spool.fd, Buffer.alloc(2 * firstBytes + 5))
      await systemClock.sleep(50)
      cancel.abort(new Error('somebody cancelled'))
      await assert.rejects(stored, /somebody cancelled/)
      assert.deepEqual(await everything(), [])
      const before = storage.put('x', bytesSpool(Buffer.from('x')), { ifAbsent: true, signal: cancel.signal })
      await assert.rejects(before, /somebody cancelled/)
      assert.deepEqual(await everything(), [])
    })

    test('a failed replacement keeps the old object', async (t) => {
      const { storage, everything } = await make(t)
      await put(storage, 'a', Buffer.from('old'))
      const failing: Spool = { ...bytesSpool(Buffer.alloc(0)), read: () => Promise.reject(new Error('lost')) }
      await assert.rejects(storage.put('a', failing, { ifAbsent: false, signal: quiet }), /lost/)
      assert.equal((await fetched(storage, 'a')).toString(), 'old')
      assert.deepEqual(await everything(), ['a'])
    })

    test('a range gives its first to its last byte, cut at the end of the object', async (t) => {
      const { storage } = await make(t)
      const bytes = dumpLike(700_000, randomFrom(2))
      await put(storage, 'a', bytes)
      for (const [start, end] of [
        [0, 0],
        [0, 6],
        [5, 400_000],
        [699_999, 699_999],
        [699_990, 800_000],
      ] as const)
        // prettier-ignore
        assert.ok(
          bytes.subarray(start, end + 1).equals(await fetched(storage, 'a', { start, end })),
          `${start}-${end}`,
        )
    })

    test('a cancelled read fails with the signal’s reason', async (t) => {
      const { storage } = await make(t)
      await put(storage, 'a', Buffer.alloc(5 * mib))
      const cancel = new AbortController()
      const stream = await storage.get('a', { signal: cancel.signal })
      cancel.abort(new Error('somebody cancelled'))
      await assert.rejects(buffer(stream), /cancelled|aborted/)
    })

    test('what is not there is missing when read, null when looked for, and fine to remove', async (t) => {
      const { storage } = await make(t)
      await put(storage, 'a/b', Buffer.from('x'))
      for (const key of ['nothing', 'a', 'a/c', 'a/b/c', 'x/y/z']) {
        await assert.rejects(storage.get(key, { signal: quiet }), { code: 'object-missing' }, key)
        assert.equal(await storage.head(key, quiet), null, key)
        await storage.remove(key, quiet)
      }
      assert.deepEqual(await keysOf(storage), ['a/b'])
    })

    test('removing twice is fine, removes only that object and leaves no empty rest', async (t) => {
      const { storage, everything } = await make(t)
      for (const key of ['a/b/c/1', 'a/b/c/2', 'a/x']) await put(storage, key, Buffer.from(key))
      await Promise.all([storage.remove('a/b/c/1', quiet), storage.remove('a/b/c/1', quiet)])
      assert.deepEqual(await everything(), ['a/b/c/2', 'a/x'])
      await storage.remove('a/b/c/2', quiet)
      await storage.remove('a/x', quiet)
      assert.deepEqual(await everything(), [])
      await put(storage, 'a/b/c/1', Buffer.from('again'))
      assert.deepEqual(await keysOf(storage), ['a/b/c/1'])
    })

    test('puts and removes side by side do not disturb each other', async (t) => {
      const { storage } = await make(t)
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const key = `shop/2026/11/id-${i % 4}/part-${i}`
          await put(storage, key, Buffer.from(key))
          if (i % 2) await storage.remove(key, quiet)
        }),
      )
      assert.equal((await keysOf(storage)).length, 20)
    })

    test('a listing is in key order, by prefix, with size and time', async (t) => {
      const { storage } = await make(t)
      const keys = ['a', 'a-b/1', 'a.b', 'a/1', 'a/b/1', 'a/b-c', 'a0', 'B', 'ab/1', 'b/2', 'Z/z'].toSorted()
      for (const key of keys.filter((key) => key !== 'a')) await put(storage, key, Buffer.from(key))
      assert.deepEqual(
        await keysOf(storage),
        keys.filter((key) => key !== 'a'),
      )
      for (const prefix of ['a/', 'a', 'a/b', 'a-', 'b/2', 'B', 'none', 'none/', 'a/1/', '.'])
        assert.deepEqual(
          await keysOf(storage, prefix),
          keys.filter((key) => key !== 'a' && key.startsWith(prefix)),
          prefix,
        )
      const { objects } = await storage.list('b/', null, quiet)
      assert.deepEqual(
        objects.map(({ key, bytes }) => ({ key, bytes })),
        [{ key: 'b/2', bytes: 3 }],
      )
    })

    test(
      'a long listing comes in pages that neither repeat nor miss a key',
      { timeout: 60_000 },
      async (t) => {
        const { storage } = await make(t)
        const keys = Array.from(
          { length: manyObjects },
          (_, i) => `s/${i % 7}/id-${String(i).padStart(5, '0')}.json`,
        )
        for (let at = 0; at < keys.length; at += 50)
          await Promise.all(keys.slice(at, at + 50).map((key) => put(storage, key, Buffer.from('x'))))
        const first = await storage.list('s/', null, quiet)
        assert.ok(first.cursor !== null && first.objects.length < keys.length, 'all came in one page')
        assert.deepEqual(await keysOf(storage, 's/'), keys.toSorted())
        const three = keys.filter((key) => key.startsWith('s/3/'))
        assert.deepEqual(await keysOf(storage, 's/3/'), three)
      },
    )

    const swept = 'only unfinished uploads that are old enough are swept'
    test(swept, { skip: facts.sweepsNothing ? 'the place ends them itself' : false }, async (t) => {
      const { storage, everything } = await make(t)
      await put(storage, 'done', Buffer.from('x'))
      const spool = await growingSpool(t)
      const stored = storage.put('shop/id/dump', spool, { ifAbsent: true, signal: quiet })
      writeSync(spool.fd, Buffer.alloc(firstBytes + 5))
      while ((await everything()).length < 2) await systemClock.sleep(5)
      assert.deepEqual(await keysOf(storage), ['done'])
      assert.equal(
        await storage.sweep({ olderThan: systemClock.now() - 60_000, isOurs: () => true }, quiet),
        0,
      )
      assert.equal(
        await storage.sweep({ olderThan: systemClock.now() + 60_000, isOurs: () => true }, quiet),
        1,
      )
      assert.deepEqual(await everything(), ['done'])
      await spool.finish()
      await assert.rejects(stored, 'a swept upload must not count as stored')
      assert.deepEqual(await everything(), ['done'])
    })

    const named = 'an upload is named before its first byte, ended by its name, and told when it is over'
    test(named, { skip: facts.firstBytes ? false : 'uploads leave no trace here' }, async (t) => {
      const { storage, everything } = await make(t)
      const told: (string | null)[] = []
      const onUpload = async (upload: string | null): Promise<void> => {
        const begun = facts.namedFirst ? [] : [told.length < 2 ? 'done' : 'shop/id/dump']
        const there = [...(told.length < 2 ? [] : ['done']), ...begun]
        if (upload !== null) assert.deepEqual(await everything(), there)
        told.push(upload)
      }
      const bytes = Buffer.alloc(firstBytes + 5, 'x')
      await storage.put('done', bytesSpool(bytes), { ifAbsent: true, onUpload, signal: quiet })
      assert.deepEqual(told, [told[0], null])

      const spool = await growingSpool(t)
      const stored = storage.put('shop/id/dump', spool, { ifAbsent: true, onUpload, signal: quiet })
      writeSync(spool.fd, bytes)
      const ended = assert.rejects(stored, { code: 'storage-unreachable' })
      while (told.length < 3) await systemClock.sleep(5)
      for (let round = 0; round < 2; round++) await storage.abandon!('shop/id/dump', told[2]!, quiet)
      assert.deepEqual(await everything(), ['done'])
      await spool.finish()
      await ended
      assert.equal(told[3], null)
      assert.deepEqual(await everything(), ['done'])
    })

    test('a check writes, reads and removes, and leaves nothing behind', async (t) => {
      const { storage, everything } = await make(t)
      const { ok, text, hint } = await storage.check(quiet)
      assert.ok(ok, text)
      assert.ok(text.includes(storage.location))
      assert.equal(hint, null)
      assert.deepEqual(await everything(), [])
    })

    test('a place that is not there is missing, never empty, and never made', async (t) => {
      const storage = await missing(t)
      const gone = { code: 'storage-missing' }
      for (let round = 0; round < 2; round++) {
        await assert.rejects(put(storage, 'a/b', Buffer.from('x')), gone)
        await assert.rejects(storage.get('a', { signal: quiet }), gone)
        await assert.rejects(storage.head('a', quiet), gone)
        await assert.rejects(storage.list('', null, quiet), gone)
        await assert.rejects(storage.remove('a', quiet), gone)
        await assert.rejects(storage.sweep({ olderThan: 0, isOurs: () => true }, quiet), gone)
      }
      const { ok, hint } = await storage.check(quiet)
      assert.equal(ok, false)
      assert.ok(hint)
    })
  })
}

function put(storage: Storage, key: string, bytes: Buffer): ReturnType<Storage['put']> {
  return storage.put(key, bytesSpool(bytes), { ifAbsent: true, signal: quiet })
}

async function fetched(
  storage: Storage,
  key: string,
  range?: { start: number; end: number },
): Promise<Buffer> {
  return buffer(await storage.get(key, { ...(range && { range }), signal: quiet }))
}

async function keysOf(storage: Storage, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<Storage['list']>> = await storage.list(prefix, cursor, quiet)
    keys.push(...page.objects.map(({ key }) => key))
    if (page.cursor === null) return keys
    cursor = page.cursor
  }
}

async function growingSpool(t: TestContext): Promise<FileSpool> {
  const folder = await mkdtemp(join(tmpdir(), 'spool-'))
  const spool = await createFileSpool(join(folder, 'spool'), systemClock)
  t.after(async () => {
    await spool.close()
    await rm(folder, { recursive: true })
  })
  return spool
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function codeOf(error: unknown): string {
  return (error as { code: string }).code
}
