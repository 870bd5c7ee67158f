import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, suite, test } from 'node:test'
import type { Encryption } from '../../src/core/encryption.ts'
import { canRead, decodingChain, encodingChain, withChain } from '../../src/engine/chain.ts'
import { flow } from '../../src/engine/flow.ts'
import { decodeBytes, encodeBytes } from '../../src/engine/pipeline.ts'
import type { Filter } from '../../src/filters/filter.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { fillFile } from '../../src/sys/spool.ts'
import { createProcesses } from '../../src/sys/process.ts'
import { strays } from '../../src/sys/strays.ts'
import type { TestKeys } from '../support/keys.ts'
import { dumpLike, randomFrom, seedOf } from '../support/random.ts'

export interface EncryptionCase {
  title: string
  filter: Filter
  /** Keys of the kind that is tested; called twice. */
  keys: (folder: string) => TestKeys
  /** Where programs are found. */
  path?: string
  /** The stock programs, which know the same keys. */
  stock: {
    encode: (plain: Buffer, keys: Encryption) => Promise<Buffer>
    decode: (stored: Buffer, keys: Encryption) => Promise<Buffer>
  }
  /** How many damaged files are tried; few where making a key takes a second each time. */
  tries: number
}

const sizes = [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1]

/** What every encryption promises, in each of its modes. */
export function encryptionContract({ title, filter, keys, path, stock, tries }: EncryptionCase): void {
  suite(`${title}: contract of encryptions`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'))
    after(() => rmSync(folder, { recursive: true, force: true }))
    const [mine, other] = [keys(folder), keys(folder)]
    other.encryption.passphrase &&= `${other.encryption.passphrase} no`
    const run = mkdtempSync(join(folder, 'run-'))
    const processes = createProcesses(path === undefined ? process.env : { PATH: path }, systemClock)
    const runId = `r-${randomBytes(6).toString('hex')}`
    const running = { signal: new AbortController().signal, runId, said: () => undefined }
    const tools = { processes, running, folder: run }
    const content = dumpLike(200_000, randomFrom(1))
    const compression = { type: 'none' as const, level: null }

    const encode = (plain: Buffer, { encryption } = mine): Promise<Buffer> =>
      encodeBytes(plain, encodingChain([filter], { compression, encryption }), tools)
    const decode = (stored: Buffer, { encryption } = mine): Promise<Buffer> =>
      decodeBytes(stored, decodingChain([filter], [filter.kind], encryption), tools)
    let made: Promise<Buffer> | null = null
    /** One file for all who only damage it. */
    const sample = (): Promise<Buffer> => (made ??= encode(content))
    const nothingLeft = (): void => {
      assert.deepEqual(readdirSync(run), [])
      assert.deepEqual(strays(new Set([runId])), [])
    }

    test('what was encrypted decrypts to the same bytes, also by the stock program', async () => {
      for (const size of tries > 5 ? sizes : [64 * 1024]) {
        const plain = dumpLike(size, randomFrom(size))
        const stored = await encode(plain)
        assert.ok(plain.equals(await decode(stored)), `${size} bytes`)
        assert.ok(plain.equals(await stock.decode(stored, mine.encryption)), `${size} bytes by hand`)
        assert.ok(filter.sniff(stored.subarray(0, 6)))
        const [head, bytes] = [stored.subarray(0, 2000), stored.length]
        assert.ok(filter.canHold!(size, { head, bytes }) && filter.canHold!(null, { head, bytes }))
        assert.ok(!filter.canHold!(size, { head: head.subarray(0, size), bytes: size }))
        for (const secret of mine.secrets) assert.ok(!stored.includes(secret))
      }
      nothingLeft()
    })

    test('what the stock program encrypted decrypts', async () => {
      const plain = dumpLike(200_000, randomFrom(2))
      assert.ok(plain.equals(await decode(await stock.encode(plain, mine.encryption))))
    })

    test('50 MB of random bytes pass', async () => {
      const plain = randomBytes(50_000_000)
      const stored = await encode(plain)
      assert.ok(plain.equals(await decode(stored)))
    })

    test('a file cut anywhere is refused at the end at the latest', async (t) => {
      const random = randomFrom(seedOf(t))
      const stored = await sample()
      const anywhere = Array.from({ length: tries }, () => Math.floor(random() * stored.length))
      const end = [1, 2, 16, 17, 22, 65536 + 16].map((bytes) => stored.length - bytes)
      const lengths = [0, 10, 22, ...anywhere, ...end.slice(0, tries)]
      for (const length of lengths)
        await assert.rejects(
          decode(stored.subarray(0, length)),
          { code: /^(object-corrupt|key-wrong)$/ as unknown as string },
          `cut at ${length}`,
        )
      nothingLeft()
    })

    test('a flipped bit never gives other bytes', async (t) => {
      const random = randomFrom(seedOf(t))
      const stored = await sample()
      for (let round = 0; round < tries; round++) {
        const at = Math.floor(random() ** 2 * stored.length) // more often near the front, where keys are
        const damaged = Buffer.from(stored)
        damaged[at]! ^= 1 << Math.floor(random() * 8)
        const decoded = await decode(damaged).catch((error: unknown) => error)
        if (decoded instanceof Buffer) assert.ok(decoded.equals(content), `byte ${at}`) // it named somebody else's key
        else assert.match((decoded as { code: string }).code, /^(object-corrupt|key-wrong)$/, `byte ${at}`)
      }
    })

    test('bytes behind the end are refused', async () => {
      const stored = await sample()
      for (const tail of [stored, Buffer.alloc(1), Buffer.alloc(70_000, 'x')].slice(0, tries))
        await assert.rejects(decode(Buffer.concat([stored, tail])), { code: 'object-corrupt' })
    })

    test('a full disk is not taken for a damaged file, nor for another key', async () => {
      const stored = await sample()
      const chain = decodingChain([filter], [filter.kind], mine.encryption)
      const full = await open('/dev/full', 'w')
      const to = { fd: full.fd, fill: (chunks: AsyncIterable<Buffer>) => fillFile(full, chunks) }
      const decoded = withChain({ chain, direction: 'decode' }, tools, (chained) =>
        flow(
          chained.stages,
          { from: { stream: Readable.from([stored]) }, to },
          { ...tools, running: chained.running },
        ),
      )
      await assert
        .rejects(decoded, { code: 'tool-failed', message: /no space left on device/i })
        .finally(() => full.close())
      nothingLeft()
    })

    test('what was never encrypted is refused', async () => {
      await assert.rejects(decode(content), { code: 'object-corrupt' })
    })

    test('a wrong key is told apart from a damaged file, and so is a missing one', async () => {
      const stored = await sample()
      await assert.rejects(decode(stored, other), { code: 'key-wrong' })
      const without = { ...mine.encryption, passphrase: null, identityFile: null }
      assert.equal(canRead(without), false)
      assert.throws(() => decodingChain([filter], [filter.kind], without), { code: 'key-missing' })
      assert.throws(() => decodingChain([filter], [filter.kind], null), { code: 'key-missing' })
      if (mine.encryption.identityFile !== null) {
        const gone = { ...mine.encryption, identityFile: join(folder, 'gone') }
        await assert.rejects(decode(stored, { ...mine, encryption: gone }), { code: 'key-missing' })
      }
      nothingLeft()
    })

    test('what the manifest says of it names no secret', async () => {
      const options = { level: null, encryption: mine.encryption }
      const facts = await filter.keys!.facts(options, tools)
      assert.equal(facts.method, filter.kind)
      assert.equal(facts.mode, mine.encryption.passphrase === null ? 'recipients' : 'passphrase')
      assert.equal(facts.keyIds.length, mine.encryption.recipients.length)
      for (const secret of mine.secrets) assert.ok(!JSON.stringify(facts).includes(secret))
      nothingLeft()
    })

    test('no secret is in arguments, environments or files while it works (promise 14)', async () => {
      for (const direction of ['encode', 'decode'] as const) {
        const bytes = direction === 'encode' ? content : await sample()
        const chain = encodingChain([filter], { compression, encryption: mine.encryption })
        const seen: string[] = []
        const slowly = Readable.from(inTwo(bytes, () => seen.push(...witness(runId, run))))
        await withChain({ chain, direction }, tools, (open) =>
          flow(open.stages, { from: { stream: slowly }, to: null }, { ...tools, running: open.running }),
        )
        assert.ok(seen.length > 0, 'nobody was seen at work')
        for (const secret of mine.encryption.passphrase === null ? [] : mine.secrets)
          assert.ok(!seen.some((text) => text.includes(secret)), `a secret while ${direction} ran`)
        nothingLeft()
      }
    })
  })
}

/** The second half comes only when somebody has looked. */
async function* inTwo(bytes: Buffer, look: () => void): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, bytes.length / 2)
  await systemClock.sleep(100)
  look()
  yield bytes.subarray(bytes.length / 2)
}

/** What anybody on this machine could read of a run: command lines, environments, and all of its files. */
function witness(runId: string, folder: string): string[] {
  const processes = strays(new Set([runId])).flatMap((pid) =>
    ['cmdline', 'environ'].map((what) => readFileSync(`/proc/${pid}/${what}`, 'utf8')),
  )
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  return [...processes, ...files]
}
