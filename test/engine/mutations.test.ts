import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { asFault, type Fault } from '../../src/core/faults.ts'
import type { Manifest } from '../../src/core/model.ts'
import { readCopy } from '../../src/engine/catalogue.ts'
import { storageOf } from '../../src/engine/context.ts'
import { createPulse } from '../../src/engine/pulse.ts'
import { choose } from '../../src/engine/restore/choose.ts'
import { dropSpools, fetchChosen } from '../../src/engine/restore/fetch.ts'
import { fixAsk } from '../../src/engine/restore/plan.ts'
import type { Work } from '../../src/engine/work.ts'
import type { Source } from '../../src/sources/source.ts'
import { forgetCopy, listCopies, saveCopy, type Copy } from '../../src/state/catalogue.ts'
import { removeLast } from '../support/ended.ts'
import { randomFrom, seedOf } from '../support/random.ts'
import { makeWorld, type World } from '../support/world.ts'

const rounds = Number(process.env.MUTATIONS ?? 2_000)
const backupsEach = 4

/** One stored backup, as it was written. */
interface Original {
  copy: Copy
  /** The stored object, and its manifest. */
  object: { path: string; bytes: Buffer }
  manifest: { path: string; bytes: Buffer }
}

interface Damage {
  what: string
  /** Files as they are now: null = gone. */
  files: Map<string, Buffer | null>
  /** The backup that is restored. */
  victim: Original
  /** Words that the refusal must hold. */
  says: RegExp
}

/** Promises 9 and 12, "at rest": whatever happened to the objects, no byte of it reaches a target, and the error says
 * what is wrong. MUTATIONS=20000 by hand. */
test(`${rounds} random mutations of stored objects are refused before a byte reaches a target`, async (t) => {
  const random = randomFrom(seedOf(t))
  const world = await makeWorld(t, {
    folder: await quickFolder(t),
    strategies: { shop: { compression: 'none' }, crm: {}, blog: { compression: 'zstd' } },
  })
  const originals = await makeBackups(world)
  const tally = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const damage = mutate(originals, random)
    for (const [path, bytes] of damage.files) put(path, bytes)
    const target = { bytes: 0 }
    const refusal = await restoreInto(world, { damage, target, how: round % 3 })
    assert.ok(refusal, `${damage.what} of ${damage.victim.copy.id} was restored (round ${round})`)
    assert.equal(target.bytes, 0, `${damage.what}: ${target.bytes} bytes reached the target (round ${round})`)
    assert.match(refusal.message, damage.says, `${damage.what} (round ${round})`)
    assert.ok(
      ['object-corrupt', 'object-missing', 'not-found'].includes(refusal.code),
      `${damage.what}: ${refusal.code}`,
    )
    tally.set(damage.what, (tally.get(damage.what) ?? 0) + 1)
    for (const path of damage.files.keys()) restorePath(originals, path)
  }
  for (const original of originals) {
    const target = { bytes: 0 }
    const whole: Damage = { what: 'nothing', files: new Map(), victim: original, says: /./ }
    assert.equal(
      await restoreInto(world, { damage: whole, target, how: 0 }),
      null,
      'and what is whole is restored',
    )
    assert.ok(target.bytes > 0)
  }
  t.diagnostic([...tally].map(([what, count]) => `${what}: ${count}`).join(', '))
  assert.ok(tally.size === kinds.length, 'every kind was tried')
})

async function makeBackups(world: World): Promise<Original[]> {
  const originals: Original[] = []
  for (const strategy of ['shop', 'crm', 'blog'])
    for (let number = 0; number < backupsEach; number++) {
      const database = new DatabaseSync(join(world.folder, `${strategy}.db`))
      database.exec(`INSERT INTO people (name) VALUES ('${strategy} ${number}')`) // no two dumps are alike
      database.close()
      const { backup } = await world.backup(strategy)
      const [copy] = await listCopies(world.context.database.read, { id: backup!.id })
      const object = join(world.storageDir, copy!.manifest.artifacts[0]!.key)
      const manifest = join(dirname(object), 'manifest.json')
      originals.push({
        copy: copy!,
        object: { path: object, bytes: readFileSync(object) },
        manifest: { path: manifest, bytes: readFileSync(manifest) },
      })
    }
  return originals
}

type Kind = (originals: readonly Original[], random: () => number) => Omit<Damage, 'what'>

const digest = /SHA-256|bytes instead of/
const elsewhere = /belongs to another place|is of |there is no backup/
const edited = /was changed after it was written|is not JSON|has a schema|there is no backup/

const recipes: Record<string, Kind> = {
  'flipped bit': (all, random) =>
    ofObject(pick(all, random), digest, (bytes) => {
      bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
      return bytes
    }),
  'cut object': (all, random) =>
    ofObject(pick(all, random), digest, (bytes) => bytes.subarray(0, Math.floor(random() * bytes.length))),
  'extended object': (all, random) =>
    ofObject(pick(all, random), digest, (bytes) =>
      Buffer.concat([bytes, Buffer.alloc(1 + Math.floor(random() * 5_000), Math.floor(random() * 256))]),
    ),
  'spliced object': (all, random) => {
    const [victim, other] = two(all, random)
    return ofObject(victim, digest, (bytes) => {
      const at = Math.floor(random() * bytes.length)
      const spliced = Buffer.concat([bytes.subarray(0, at), other.object.bytes.subarray(at)])
      return spliced.equals(bytes) ? Buffer.concat([bytes, bytes]) : spliced
    })
  },
  'swapped objects': (all, random) => {
    const [victim, other] = two(all, random)
    const files = new Map([
      [victim.object.path, other.object.bytes],
      [other.object.path, victim.object.bytes],
    ])
    return { victim, files, says: digest }
  },
  'older object under a newer manifest': (all, random) => {
    const newer = all.filter(({ copy }) => all.some((each) => isOlder(each.copy, copy)))
    const victim = pick(newer, random)
    const older = pick(
      all.filter(({ copy }) => isOlder(copy, victim.copy)),
      random,
    )
    return { victim, files: new Map([[victim.object.path, older.object.bytes]]), says: digest }
  },
  'manifest of another backup': (all, random) => {
    const [victim, other] = two(all, random)
    const files = new Map([[victim.manifest.path, other.manifest.bytes]])
    return { victim, files, says: elsewhere }
  },
  'whole other backup in its place': (all, random) => {
    const [victim, other] = two(all, random)
    const files = new Map([
      [victim.manifest.path, other.manifest.bytes],
      [victim.object.path, other.object.bytes],
    ])
    return {
      victim,
      files,
      says: elsewhere,
    }
  },
  'edited manifest': (all, random) => {
    const victim = pick(all, random)
    const manifest = JSON.parse(victim.manifest.bytes.toString()) as Manifest
    edit(manifest, random)
    return {
      victim,
      files: new Map([[victim.manifest.path, Buffer.from(JSON.stringify(manifest, null, 2))]]),
      says: edited,
    }
  },
  'flipped bit in the manifest': (all, random) => {
    const victim = pick(all, random)
    const text = victim.manifest.bytes.toString()
    for (;;) {
      const bytes = Buffer.from(victim.manifest.bytes)
      bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 7)
      if (!sameContent(text, bytes.toString()))
        return { victim, files: new Map([[victim.manifest.path, bytes]]), says: edited }
    }
  },
  'object gone': (all, random) => {
    const victim = pick(all, random)
    return {
      victim,
      files: new Map([[victim.object.path, null]]),
      says: /is not stored here|is gone|not beside its manifest/,
    }
  },
}
const kinds = Object.keys(recipes)

function mutate(originals: readonly Original[], random: () => number): Damage {
  const what = kinds[Math.floor(random() * kinds.length)]!
  return { what, ...recipes[what]!(originals, random) }
}

function ofObject(victim: Original, says: RegExp, change: (bytes: Buffer) => Buffer): Omit<Damage, 'what'> {
  return { victim, says, files: new Map([[victim.object.path, change(Buffer.from(victim.object.bytes))]]) }
}

/** White space may change: what it says is the same. */
function sameContent(a: string, b: string): boolean {
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b))
  } catch {
    return false
  }
}

function edit(manifest: Manifest, random: () => number): void {
  const [artifact] = manifest.artifacts
  const edits: (() => void)[] = [
    () => (artifact!.sha256 = artifact!.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))),
    () => (artifact!.storedBytes += 1),
    () => (artifact!.key = artifact!.key.replace(/[^/]+$/, 'other.db')),
    () => (artifact!.key = `../../${artifact!.key}`),
    () => void artifact!.filters.push('gzip'),
    () => (manifest.tables![0]!.rows += 1),
    () => (manifest.database = 'evil'),
    () => (manifest.startedAt = new Date(Date.parse(manifest.startedAt) + 60_000).toISOString()),
    () => (manifest.installation = 'other'),
    () => (manifest.level = 'V3'),
    () => (manifest.artifacts = []),
    () => (manifest.digest = manifest.digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))),
    () => Object.assign(manifest, { schema: 2 }),
    () => Object.assign(manifest, { artifacts: 'none' }),
  ]
  edits[Math.floor(random() * edits.length)]!()
}

const pick = (all: readonly Original[], random: () => number): Original =>
  all[Math.floor(random() * all.length)]!

function two(all: readonly Original[], random: () => number): [Original, Original] {
  const first = pick(all, random)
  return [
    first,
    pick(
      all.filter((each) => each !== first),
      random,
    ),
  ]
}

const isOlder = (one: Copy, than: Copy): boolean =>
  one.strategy === than.strategy && one.id !== than.id && one.createdAt <= than.createdAt

function put(path: string, bytes: Buffer | null): void {
  if (bytes === null) rmSync(path)
  else writeFileSync(path, bytes)
}

function restorePath(originals: readonly Original[], path: string): void {
  for (const { object, manifest } of originals)
    for (const file of [object, manifest]) if (file.path === path) writeFileSync(path, file.bytes)
}

interface Trial {
  damage: Damage
  target: { bytes: number }
  /** 0: the catalogue knows the backup; 1: the catalogue is rebuilt from what is stored; 2: `--from` its folder. */
  how: number
}

/** The restore's own steps up to the target, which counts what it is given.
 * @returns why it was refused; null = it was restored */
async function restoreInto(world: World, { damage, target, how }: Trial): Promise<Fault | null> {
  const { context } = world
  const { copy } = damage.victim
  const folder = join(world.tempDir, 'trial')
  mkdirSync(folder)
  const signal = new AbortController().signal
  const pulse = createPulse(context.clock, {
    stallMs: 1e9,
    expectedBytes: null,
    onBeat: () => undefined,
    processorTicks: () => 0,
  })
  const work = {
    run: { id: 'trial', params: {} },
    strategy: context.config.strategies.find(({ name }) => name === copy.strategy)!,
    folder,
    pulse,
    signal,
    change: () => Promise.resolve(),
  } as unknown as Work
  try {
    if (how === 1) await rebuild(world, copy)
    const from = how === 2 ? dirname(damage.victim.object.path) : null
    const ask = {
      backup: copy.id,
      from,
      strategy: null,
      targetDb: null,
      targetUrl: null,
      noOwner: false,
      reason: null,
    }
    await fixAsk(context, ask, signal)
    const chosen = await choose(context, ask, signal)
    const fetched = await fetchChosen(context, work, { chosen, source: {} as Source })
    const raw = fetched.open(fetched.manifest.artifacts[0]!)
    target.bytes += await raw.intoFile(join(folder, 'target'))
    await dropSpools(fetched)
    return null
  } catch (error) {
    return asFault(error)
  } finally {
    pulse.stop()
    rmSync(folder, { recursive: true, force: true })
    await context.database.write((tx) => saveCopy(tx, copy))
    const beside = dirname(damage.victim.object.path)
    for (const name of readdirSync(beside)) if (name.startsWith('verdict-')) rmSync(join(beside, name))
  }
}

/** An empty machine reads the backup's folder again. */
async function rebuild(world: World, victim: Copy): Promise<void> {
  const { context } = world
  const folder = dirname(victim.manifest.artifacts[0]!.key)
  const names = readdirSync(join(world.storageDir, folder))
  const keys = names.map((name) => `${folder}/${name}`)
  const signal = new AbortController().signal
  const read = await readCopy(context, storageOf(context, 'disk'), { keys, broken: [], signal })
  await context.database.write(async (tx) => {
    await forgetCopy(tx, victim.id, 'disk')
    for (const copy of read) await saveCopy(tx, copy)
  })
}

/** In memory where there is such a place: twenty thousand syncs to a disk would take most of the time. */
async function quickFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'easy-backup-'))
  removeLast(t, folder)
  return folder
}
