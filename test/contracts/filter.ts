import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { Readable, Writable, type Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Ajv } from 'ajv'
import type { Filter } from '../../src/filters/filter.ts'
import { dumpLike, randomFrom, seedOf } from '../support/random.ts'

const kib = 1024
const sizes = [0, 1, 100, 64 * kib - 1, 64 * kib, 64 * kib + 1, 5 * kib * kib]

export interface FilterFacts {
  filter: Filter
  /** Stock programs of this format, from standard input to standard output; each encoder is tried with each decoder. */
  encoders: string[][]
  decoders: string[][]
  levels: { lowest: number; highest: number }
  /** First bytes of other formats, which it must not claim. */
  others: Record<string, Uint8Array>
}

/** What every filter promises. */
export function filterContract({ filter, encoders, decoders, levels, others }: FilterFacts): void {
  suite(`${filter.kind}: contract of filters`, () => {
    const encode = (plain: Buffer, level: number | null = null): Promise<Buffer> =>
      through(plain, filter.encode!({ level }))
    const decode = (stored: Buffer): Promise<Buffer> => through(stored, filter.decode!({ level: null }))
    const installed = (argv: string[]): boolean => spawnSync('which', [argv[0]!]).status === 0

    test('what was encoded decodes to the same bytes, whatever its size', async (t) => {
      const random = randomFrom(seedOf(t))
      for (const size of [...sizes, Math.floor(random() * 300_000)]) {
        const plain = dumpLike(size, random)
        assert.ok(plain.equals(await decode(await encode(plain))), `${size} bytes`)
      }
    })

    for (const argv of decoders)
      test(`${argv.join(' ')} opens what the stream wrote`, { skip: !installed(argv) }, async () => {
        for (const size of sizes) {
          const plain = dumpLike(size, randomFrom(size))
          assert.ok(plain.equals(run(argv, await encode(plain))), `${size} bytes`)
        }
      })

    for (const argv of encoders)
      test(`the stream opens what ${argv.join(' ')} wrote`, { skip: !installed(argv) }, async () => {
        for (const size of sizes) {
          const plain = dumpLike(size, randomFrom(size))
          assert.ok(plain.equals(await decode(run(argv, plain))), `${size} bytes`)
        }
      })

    test('its own programs and its streams can take each other’s place', async () => {
      const has = (program: string): boolean => installed([program])
      const plain = dumpLike(300_000, randomFrom(7))
      for (const level of [null, levels.lowest, levels.highest]) {
        const encoder = filter.program('encode', has, { level })?.argv
        const decoder = filter.program('decode', has, { level })?.argv
        assert.ok(encoder && decoder, 'no program of this filter is installed')
        assert.ok(plain.equals(await decode(run([...encoder], plain))))
        assert.ok(plain.equals(run([...decoder], await encode(plain, level))))
      }
      assert.equal(
        filter.program('encode', () => false, { level: null }),
        null,
      )
    })

    test(
      'its stock command undoes it',
      { skip: !installed(filter.stockDecode(null).split(' ')) },
      async () => {
        const plain = dumpLike(100_000, randomFrom(3))
        assert.ok(plain.equals(run(filter.stockDecode(null).split(' '), await encode(plain))))
      },
    )

    test('a file cut anywhere does not decode, by stream or program', async (t) => {
      const random = randomFrom(seedOf(t))
      const stored = await encode(dumpLike(200_000, random))
      const cuts = Array.from({ length: 50 }, () => Math.floor(random() * stored.length))
      const nearTheEnd = [1, 2, 3, 4, 5, 8, 9].map((bytes) => stored.length - bytes)
      for (const length of [0, 1, 2, 3, 4, ...cuts, ...nearTheEnd]) {
        const part = stored.subarray(0, length)
        await assert.rejects(decode(part), { code: 'object-corrupt' }, `cut at ${length}`)
      }
      const program = filter.program('decode', (name) => installed([name]), { level: null })!.argv
      for (const length of [0, ...cuts.slice(0, 5), ...nearTheEnd])
        assert.notEqual(exitOf([...program], stored.subarray(0, length)), 0, `cut at ${length}`)
    })

    test('a flipped bit never gives other bytes', async (t) => {
      const random = randomFrom(seedOf(t))
      const plain = dumpLike(100_000, random)
      const stored = await encode(plain)
      let refused = 0
      for (let round = 0; round < 100; round++) {
        const damaged = Buffer.from(stored)
        const at = Math.floor(random() * stored.length)
        damaged[at]! ^= 1 << Math.floor(random() * 8)
        const decoded = await decode(damaged).catch((error: unknown) => error)
        if (decoded instanceof Buffer) assert.ok(decoded.equals(plain), `byte ${at}`) // a bit that means nothing
        else refused++
      }
      assert.ok(refused > 90, `only ${refused} of 100 were refused`)
    })

    test('bytes behind the end are refused', async () => {
      const stored = await encode(dumpLike(100_000, randomFrom(5)))
      const longer = Buffer.concat([stored, Buffer.alloc(100_000, 'x')])
      await assert.rejects(decode(longer), { code: 'object-corrupt' })
      const second = Buffer.concat([stored, stored.subarray(0, stored.length / 2)])
      await assert.rejects(decode(second), { code: 'object-corrupt' })
    })

    test('several members in one file are one content, however the bytes arrive', async () => {
      const plain = dumpLike(50_000, randomFrom(6))
      const stored = await encode(plain)
      const both = Buffer.concat([stored, stored])
      for (const step of [1_000, stored.length - 1, stored.length, stored.length + 1])
        assert.ok(
          Buffer.concat([plain, plain]).equals(await through(both, filter.decode!({ level: null }), step)),
        )
    })

    test('it recognises its own format, and no other', async () => {
      for (const size of sizes)
        assert.ok(filter.sniff((await encode(dumpLike(size, randomFrom(1)))).subarray(0, 6)))
      for (const [name, head] of Object.entries(others)) assert.equal(filter.sniff(head), false, name)
      assert.equal(filter.sniff(new Uint8Array()), false)
    })

    test('a level outside its range is a mistake in the configuration', async () => {
      const accepts = new Ajv({ strict: false }).compile(filter.options)
      const { lowest, highest } = levels
      for (const level of [lowest, highest]) assert.ok(accepts({ level }))
      for (const level of [lowest - 1, highest + 1, 2.5, '3']) assert.equal(accepts({ level }), false)
      assert.ok(accepts({}))
      assert.equal(accepts({ levle: 3 }), false)
    })

    test('a higher level makes it smaller', async () => {
      const plain = Buffer.from(
        Array.from({ length: 20_000 }, (_, i) => `${i * 7919},name ${i % 97}\n`).join(''),
      )
      assert.ok((await encode(plain, levels.highest)).length < (await encode(plain, levels.lowest)).length)
    })
  })
}

async function through(bytes: Buffer, filter: Duplex, step = 64 * kib): Promise<Buffer> {
  const chunks: Buffer[] = []
  const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
    bytes.subarray(i * step, (i + 1) * step),
  )
  const collect = new Writable({
    write: (chunk: Buffer, _encoding, done) => (chunks.push(chunk), done()),
  })
  await pipeline(Readable.from(pieces), filter, collect)
  return Buffer.concat(chunks)
}

function run([program, ...args]: string[], input: Buffer): Buffer {
  return execFileSync(program!, args, { input, maxBuffer: 2 ** 26, stdio: 'pipe' })
}

function exitOf([program, ...args]: string[], input: Buffer): number | null {
  return spawnSync(program!, args, { input, maxBuffer: 2 ** 26 }).status
}
