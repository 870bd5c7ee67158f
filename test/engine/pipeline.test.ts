import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { Compression } from '../../src/core/model.ts'
import { decodingChain, encodingChain, type PipelineTools } from '../../src/engine/chain.ts'
import {
  artifactSink,
  decodeBytes,
  decodeFront,
  encodeBytes,
  provableSink,
  rawInput,
} from '../../src/engine/pipeline.ts'
import { gpg } from '../../src/filters/gpg/index.ts'
import { filters } from '../../src/filters/registry.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { createProcesses } from '../../src/sys/process.ts'
import { bytesSpool, createFileSpool, type FileSpool } from '../../src/sys/spool.ts'
import { endStrays, strays } from '../../src/sys/strays.ts'
import { removeLast } from '../support/ended.ts'
import { ageRecipients, gpgRecipients, type TestKeys } from '../support/keys.ts'
import { dumpLike, randomFrom } from '../support/random.ts'
import { stubTool } from '../support/stub-tools.ts'

interface Scene {
  folder: string
  tools: PipelineTools
  keys: TestKeys
  spool: FileSpool
  cancel: AbortController
}

/** @param programs  the only ones that are installed; absent: all */
async function makeScene(
  t: TestContext,
  { programs, path, isReader = true }: { programs?: string[]; path?: string; isReader?: boolean } = {},
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-'))
  removeLast(t, folder)
  const bin = join(folder, 'bin')
  await mkdir(bin)
  for (const program of programs ?? [])
    await symlink(execFileSync('which', [program]).toString().trim(), join(bin, program))
  const run = join(folder, 'run')
  await mkdir(run, { mode: 0o700 })
  const cancel = new AbortController()
  const PATH = programs ? bin : `${path ?? ''}:${process.env.PATH}`
  const running = { signal: cancel.signal, runId: `r-${folder.slice(-6)}`, said: () => undefined }
  const tools = { processes: createProcesses({ PATH }, systemClock), running, folder: run }
  const spool = await createFileSpool(join(folder, 'spool'), systemClock)
  t.after(() => spool.close())
  return { folder, tools, keys: ageRecipients(folder, isReader), spool, cancel }
}

function chainOf({ keys: { encryption } }: Scene, type: Compression) {
  return encodingChain(filters, { compression: { type, level: null }, encryption })
}

suite('programs and streams in one chain', () => {
  for (const programs of [['age'], ['zstd'], ['zstd', 'age'], []])
    test(`installed: ${programs.join(' and ') || 'nothing'}`, async (t) => {
      const scene = await makeScene(t, { programs })
      const { spool, tools, keys, folder } = scene
      const plain = dumpLike(3_000_000, randomFrom(1))
      await writeFile(join(folder, 'plain'), plain)
      const chain = chainOf(scene, 'zstd')
      await artifactSink(spool, chain, tools).fromFile(join(folder, 'plain'))
      await spool.finish()
      const undo = `age -d -i '${keys.encryption.identityFile}' < '${spool.path}' | zstd -dc`
      assert.ok(plain.equals(execFileSync('sh', ['-c', undo], { maxBuffer: 2 ** 24 })))
      const back = decodingChain(filters, ['zstd', 'age'], keys.encryption)
      assert.equal(await rawInput(spool, back, tools).intoFile(join(folder, 'back')), plain.length)
      assert.ok(plain.equals(await readFile(join(folder, 'back'))))
      const bytes = await rawInput(spool, back, tools).intoProgram({ argv: ['/bin/cat'] }, null)
      assert.equal(bytes, plain.length)
      const front = { bytes: (await readFile(spool.path)).subarray(0, 1_000_000), most: 100 }
      const known = await decodeFront(front, back, tools)
      assert.ok(known.length >= 100 && plain.subarray(0, known.length).equals(known))
    })

  test('a reader that needs no more of it is content; an encryption that takes no more has failed', async (t) => {
    const scene = await makeScene(t, { programs: [] })
    const { spool, tools, folder } = scene
    await writeFile(join(folder, 'plain'), dumpLike(8_000_000, randomFrom(1)))
    const chain = encodingChain(filters, { compression: { type: 'gzip', level: 1 }, encryption: null })
    await artifactSink(spool, chain, tools).fromFile(join(folder, 'plain'))
    await spool.finish()
    for (let round = 0; round < 10; round++)
      await rawInput(spool, chain, tools).intoProgram({ argv: ['/usr/bin/head', '-c', '100000'] }, null)
    const bin = await stubTool(folder, 'age', 'PATH=/usr/bin:/bin; head -c 100000; exit 0')
    const early = { ...tools, processes: createProcesses({ PATH: bin }, systemClock) }
    const half = artifactSink(spool, chainOf(scene, 'gzip'), early)
    await assert.rejects(half.fromProgram({ argv: ['/usr/bin/head', '-c', '8000000', '/dev/urandom'] }))
  })

  test('a program that is missing is told before the first byte', async (t) => {
    const scene = await makeScene(t, { programs: [] })
    const keys = gpgRecipients(scene.folder)
    const sink = artifactSink(scene.spool, chainOf({ ...scene, keys }, 'none'), scene.tools)
    await assert.rejects(sink.fromProgram({ argv: ['/bin/echo', 'a dump'] }), { code: 'tool-missing' })
    assert.equal(await scene.spool.size(), 0)
  })
})

suite('a compressed dump that is not whole says so itself, whoever reads it', () => {
  for (const [type, program] of [
    ['gzip', null],
    ['gzip', 'gzip'],
    ['gzip', 'pigz'],
    ['zstd', null],
    ['zstd', 'zstd'],
  ] as const)
    test(`${type} by ${program ?? 'Node'}`, async (t) => {
      const { folder, tools } = await makeScene(t, { programs: program ? [program] : [] })
      const chain = encodingChain(filters, { compression: { type, level: 1 }, encryption: null })
      const plain = dumpLike(300_000, randomFrom(2))
      const whole = await encodeBytes(plain, chain, tools)
      const flipped = Buffer.from(whole)
      flipped[whole.length >> 1]! ^= 0xff
      const cuts = [0, 1, 3, 7, 20, whole.length >> 1, whole.length - 6, whole.length - 1]
      const broken = [...cuts.map((at) => whole.subarray(0, at)), flipped, dumpLike(500, randomFrom(3))]
      for (const [at, bytes] of broken.entries()) {
        const raw = rawInput(bytesSpool(bytes), chain, tools)
        await assert.rejects(raw.intoFile(join(folder, `raw-${at}`)), { code: 'object-corrupt' }, `${at}`)
        await assert.rejects(raw.intoProgram({ argv: ['/bin/cat'] }, null), { code: 'object-corrupt' })
      }
    })

  test('a decoder that dies says nothing about the dump', async (t) => {
    const scene = await makeScene(t)
    const chain = encodingChain(filters, { compression: { type: 'zstd', level: 1 }, encryption: null })
    const whole = bytesSpool(await encodeBytes(dumpLike(300_000, randomFrom(2)), chain, scene.tools))
    for (const end of ['kill -KILL $$', 'echo "zstd: error 70 : Write error : No space left" >&2; exit 70']) {
      const bin = await stubTool(scene.folder, 'zstd', end)
      const dying = { ...scene.tools, processes: createProcesses({ PATH: bin }, systemClock) }
      const read = rawInput(whole, chain, dying).intoProgram({ argv: ['/bin/cat'] }, null)
      await assert.rejects(read, { code: 'tool-failed' })
    }
  })
})

suite('a proof before the encryption (V2 at dump)', () => {
  const dump = { argv: ['head', '-c', '20000000', '/dev/zero'] }

  for (const type of ['zstd', 'none'] as const)
    test(`it sees what the keys bring back (${type}), and nothing unencrypted is on the disk`, async (t) => {
      const scene = await makeScene(t, { isReader: false })
      const own = ageRecipients(scene.folder)
      const { spool, tools } = scene
      const { sink, raw } = provableSink(spool, chainOf({ ...scene, keys: own }, type), tools)
      let [seen, counted] = [0, 0]
      const proof = raw.intoProgram({ argv: ['cat'] }, (chunk) => void (seen += chunk.length))
      await Promise.all([sink.fromProgram(dump), proof.then((bytes) => (counted = bytes ?? -1))])
      await spool.finish()
      assert.equal(seen, 20_000_000)
      if (type === 'zstd') assert.equal(counted, 20_000_000)
      const stored = await readFile(spool.path)
      const back = decodingChain(filters, type === 'zstd' ? ['zstd', 'age'] : ['age'], own.encryption)
      assert.equal((await decodeBytes(stored, back, tools)).length, 20_000_000)
      assert.deepEqual(await readdir(tools.folder!), [])
    })

  test('the slower of the two sets the pace', async (t) => {
    const scene = await makeScene(t)
    const { sink, raw } = provableSink(scene.spool, chainOf(scene, 'none'), scene.tools)
    const stops = raw.intoProgram({ argv: ['sh', '-c', 'head -c 1000000 > /dev/null; sleep 100'] }, null)
    const filled = sink.fromProgram({ argv: ['head', '-c', '200000000', '/dev/zero'] })
    const ends = Promise.allSettled([stops, filled])
    let before = -1
    for (let size = 0; size === 0 || size !== before; size = await scene.spool.size()) {
      before = size
      await systemClock.sleep(300)
    }
    assert.ok(before < 20_000_000, `${before} bytes were encrypted ahead of the proof`)
    scene.cancel.abort(new Error('stopped'))
    for (const end of await ends) assert.match(String((end as PromiseRejectedResult).reason), /stopped/)
    assert.deepEqual(strays(new Set([scene.tools.running.runId])), [])
  })

  test('what passes does not stay in memory (promise 19)', async (t) => {
    const scene = await makeScene(t)
    const { sink, raw } = provableSink(scene.spool, chainOf(scene, 'none'), scene.tools)
    const before = process.memoryUsage.rss()
    let most = 0
    const look = (): void => void (most = Math.max(most, process.memoryUsage.rss()))
    const seen = raw.intoProgram({ argv: ['cat'] }, look)
    await Promise.all([sink.fromProgram({ argv: ['head', '-c', '400000000', '/dev/zero'] }), seen])
    assert.ok(most - before < 150_000_000, `${most - before} bytes more`)
  })

  test('a dump or an encryption that dies is the failure of both', async (t) => {
    const stub = await stubTool(
      await mkdtemp(join(tmpdir(), 'stub-')),
      'age',
      'head -c 100000 > /dev/null; exit 3',
    )
    removeLast(t, stub)
    for (const [path, argv, tool] of [
      [stub, ['head', '-c', '20000000', '/dev/urandom'], /age ended with exit code 3/],
      [undefined, ['sh', '-c', 'head -c 300000 /dev/zero; exit 4'], /sh ended with exit code 4/],
    ] as const) {
      const scene = await makeScene(t, path ? { path } : {})
      const { sink, raw } = provableSink(scene.spool, chainOf(scene, 'zstd'), scene.tools)
      const proof = raw.intoProgram({ argv: ['cat'] }, () => undefined)
      const [dumped, proved] = await Promise.allSettled([sink.fromProgram({ argv }), proof])
      assert.match(String((dumped as PromiseRejectedResult).reason), tool)
      assert.match(String((proved as PromiseRejectedResult).reason), tool)
    }
  })

  test('a proof that dies fails by itself, and does not hold up the encryption', async (t) => {
    const scene = await makeScene(t)
    const { sink, raw } = provableSink(scene.spool, chainOf(scene, 'zstd'), scene.tools)
    const proof = raw.intoProgram({ argv: ['sh', '-c', 'head -c 100 > /dev/null; exit 5'] }, null)
    const [dumped, proved] = await Promise.allSettled([sink.fromProgram(dump), proof])
    assert.equal(dumped.status, 'fulfilled')
    assert.match(String((proved as PromiseRejectedResult).reason), /sh ended with exit code 5/)
  })
})

suite('the agent of gpg', () => {
  test('one that a dead run left is found by its environment and ended', async (t) => {
    const { tools, folder } = await makeScene(t)
    const { encryption } = gpgRecipients(folder)
    const run = new Set([tools.running.runId])
    await gpg.keys!.prepare('decode', { level: null, encryption }, { ...tools, folder: tools.folder! })
    assert.equal(strays(run).length, 1)
    assert.equal(await endStrays(run, systemClock), 1)
    assert.deepEqual(strays(run), [])
  })

  test('a run that is cancelled leaves none, and no key', async (t) => {
    const scene = await makeScene(t)
    const keys = gpgRecipients(scene.folder)
    const { spool, tools, cancel } = scene
    await artifactSink(spool, chainOf({ ...scene, keys }, 'none'), tools).fromProgram({
      argv: ['head', '-c', '900000', '/dev/zero'],
    })
    const reading = rawInput(spool, decodingChain(filters, ['gpg'], keys.encryption), tools) // it waits for more
    const read = reading.intoProgram({ argv: ['cat'] }, () => cancel.abort(new Error('cancelled')))
    await assert.rejects(read, /cancelled/)
    assert.deepEqual(strays(new Set([tools.running.runId])), [])
    assert.deepEqual(await readdir(tools.folder!), [])
  })
})
