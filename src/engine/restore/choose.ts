import type { Strategy } from '../../core/config.ts'
import type { Encryption, EncryptionFacts } from '../../core/encryption.ts'
import { Fault } from '../../core/faults.ts'
import type { Level, Manifest } from '../../core/model.ts'
import type { Filter } from '../../filters/filter.ts'
import type { Sniffed, SourceDriver } from '../../sources/source.ts'
import type { Copy } from '../../state/catalogue.ts'
import { findRequest } from '../../state/requests.ts'
import type { Run } from '../../state/runs.ts'
import { findBackup } from '../catalogue.ts'
import { driverOf, strategyOf, type EngineContext } from '../context.ts'
import { reachable } from '../copies.ts'
import type { RestoreAsk } from '../facade.ts'
import { isAboutKeys, keysToRead } from '../reading-keys.ts'
import { findFile, type FoundFile } from './from.ts'
import { readFront, type Front } from './front.ts'
import { answered } from './in-time.ts'
import { unseal } from './seal.ts'
import { madeUp } from './stray.ts'

/** An ask in which nothing is left to chance: `latest` and the target's time are fixed when it is filed. */
export interface FixedAsk extends RestoreAsk {
  /** `yyyymmdd_hhmmss` for the new database's name. */
  stamp: string
  /** The configuration has no strategy of the name: the typed target stands in for one. */
  standIn: boolean
  /** Why a newer backup was passed over when the latest was asked for. */
  note: string | null
}

/** What is restored, and with whose settings. */
export interface Chosen {
  /** As stored; for a file without one, what its bytes tell. */
  manifest: Manifest
  strategy: Strategy
  standIn: boolean
  level: Level
  /** Of the catalogue, in the order in which places are tried; empty with `from`. */
  copies: Copy[]
  file: FoundFile | null
  /** What reads it; null = it is not encrypted. */
  keys: Encryption | null
  note: string | null
  /** What a person should know before confirming. */
  warnings: string[]
}

/** @throws Fault not-found · object-corrupt · target-invalid · usage */
export async function choose(context: EngineContext, ask: RestoreAsk, signal: AbortSignal): Promise<Chosen> {
  return ask.from ? chooseFile(context, { ...ask, from: ask.from }, signal) : chooseBackup(context, ask)
}

async function chooseBackup(context: EngineContext, ask: RestoreAsk): Promise<Chosen> {
  const found = await findBackup(context, ask.backup, ask.strategy)
  const { view, copies } = found
  const note = (ask as Partial<FixedAsk>).note ?? found.note
  const { manifest } = copies.find(({ corrupt }) => corrupt === null) ?? copies[0]!
  const { strategy, standIn } = pickStrategy(context, {
    ask: { ...ask, strategy: ask.strategy ?? null },
    manifest,
    kinds: [manifest.engine.kind],
  })
  if (strategy.source.kind !== manifest.engine.kind)
    throw new Fault(
      'target-invalid',
      `${view.id} is of ${manifest.engine.name}, and ${strategy.name} is ${driverOf(context, strategy.source.kind).name} now`,
      { hint: 'name a target of the same kind with --target-url' },
    )
  const broken = copies.flatMap(({ storage, corrupt }) =>
    corrupt === null ? [] : [`the copy in ${storage} is broken: ${corrupt}`],
  )
  return {
    manifest,
    strategy,
    standIn,
    level: view.level,
    copies: reachable(context, copies),
    file: null,
    keys: await keysToRead(
      manifest.encryption,
      [strategy, ...context.config.strategies],
      ask.keyFile ?? null,
    ),
    note,
    warnings: [...(note === null ? [] : [note]), ...(view.corrupt === null ? broken : [])],
  }
}

async function chooseFile(
  context: EngineContext,
  ask: RestoreAsk & { from: string },
  signal: AbortSignal,
): Promise<Chosen> {
  const { strategies } = context.config
  const keysFor = (seal: EncryptionFacts | null, own: string | null): Promise<Encryption | null> => {
    const first = strategies.filter(({ name }) => name === ask.strategy || name === own)
    return keysToRead(seal, [...first, ...strategies], ask.keyFile ?? null)
  }
  const finding = findFile(context, {
    from: ask.from,
    unseal:
      (manifest) =>
      async (filter, { seal, bytes }) => {
        const keys = await keysFor(manifest?.encryption ?? seal, manifest?.strategy ?? null)
        return unseal(context, filter, { bytes, keys: keys!, signal })
      },
    signal,
  })
  const file = await answered('the place named with --from', signal, finding)
  const fitting = context.sourceDrivers.filter((driver) => driver.sniff(file.front.raw) !== null)
  const kinds = file.manifest ? [file.manifest.engine.kind] : fitting.map(({ kind }) => kind)
  const { strategy, standIn } = pickStrategy(context, { ask, manifest: file.manifest, kinds })
  const driver = driverOf(context, strategy.source.kind)
  const sniffed = driver.sniff(file.front.raw)
  if (!kinds.includes(driver.kind))
    throw new Fault(
      'target-invalid',
      `${file.address} is of ${namesOf(context, kinds)}, and the target is ${driver.name}`,
      { hint: 'name a target of the same kind with --strategy or --target-url' },
    )
  const doubts = [...file.doubts, ...configDoubts(strategy, standIn, file), ...formatDoubts(file, sniffed)]
  if (ask.strictSniff && doubts.length > 0)
    throw new Fault('target-invalid', `refused by --strict-sniff: ${doubts.join('; ')}`)
  const unproved = 'no manifest vouches for this file: digest, tables and rows are unknown'
  return {
    manifest: file.manifest ?? madeUp(context, { file, sniffed: sniffed!, driver, strategy }),
    strategy,
    standIn,
    level: file.manifest?.level ?? 'V0',
    copies: [],
    file,
    keys: await keysFor(file.manifest?.encryption ?? file.front.seal, file.manifest?.strategy ?? null),
    note: null,
    warnings: [...doubts, ...(file.manifest ? [] : [unproved])],
  }
}

function namesOf(context: EngineContext, kinds: readonly string[]): string {
  return kinds.map((kind) => driverOf(context, kind).name).join(' or ')
}

interface Wish {
  ask: RestoreAsk
  manifest: Manifest | null
  /** Kinds of source that can take it. */
  kinds: readonly string[]
}

/** Whose settings and server are used: as named; else the backup's own; else the typed target's; else the only one that fits. */
function pickStrategy(
  context: EngineContext,
  { ask, manifest, kinds }: Wish,
): { strategy: Strategy; standIn: boolean } {
  const { strategies } = context.config
  if ((ask as Partial<FixedAsk>).standIn)
    return { strategy: standInFor(context, ask, manifest), standIn: true }
  if (ask.strategy !== null && strategies.some(({ name }) => name === ask.strategy))
    return { strategy: strategyOf(context, ask.strategy), standIn: false }
  const own = strategies.find(
    ({ name, source }) => name === manifest?.strategy && kinds.includes(source.kind),
  )
  if (own) return { strategy: own, standIn: false }
  if (ask.targetUrl !== null) return { strategy: standInFor(context, ask, manifest), standIn: true }
  if (ask.strategy !== null) strategyOf(context, ask.strategy) // says which there are
  const fitting = strategies.filter(({ source }) => kinds.includes(source.kind))
  if (fitting.length === 1 && ask.from) return { strategy: fitting[0]!, standIn: false }
  const names = fitting.map(({ name }) => name).slice(0, 10)
  throw new Fault(
    'usage',
    `where to? ${manifest ? `no strategy ${manifest.strategy} is configured` : ''}`.trim(),
    {
      hint: `name a server and database with --target-url${names.length > 0 ? `, or one of --strategy ${names.join(', ')}` : ''}`,
    },
  )
}

function standInFor(context: EngineContext, ask: RestoreAsk, manifest: Manifest | null): Strategy {
  checkTargetUrl(context, null, ask.targetUrl)
  return context.standIn(ask.strategy ?? manifest?.strategy ?? 'file', ask.targetUrl!)
}

/** A URL that was typed is judged before it is kept; what is said of it never quotes it.
 * @param driver the kind it must be of; null = any */
export function checkTargetUrl(
  context: EngineContext,
  driver: SourceDriver | null,
  url: string | null,
): void {
  if (url === null) return
  const ofScheme = ({ schemes }: SourceDriver): boolean =>
    schemes.some((scheme) => url.toLowerCase().startsWith(`${scheme}:`))
  const found = driver === null ? context.sourceDrivers.find(ofScheme) : ofScheme(driver) ? driver : null
  const schemes = (driver ? [driver] : context.sourceDrivers).map((each) => each.schemes[0])
  const judged = found
    ? found.parseUrl(url)
    : {
        mistake: driver ? `this is not a ${driver.name} URL` : 'this is not a database URL',
        hint: `write one that begins with ${schemes.map((scheme) => `${scheme}:`).join(' or ')}`,
      }
  if ('mistake' in judged)
    throw new Fault('target-invalid', `--target-url: ${judged.mistake}`, { hint: judged.hint })
}

/** Whose settings a run works with: a restore may be of something that the configuration does not name.
 * @throws Fault not-found */
export async function strategyOfRun(context: EngineContext, run: Run): Promise<Strategy> {
  if (run.params.prove) return { ...strategyOf(context, run.strategy), prove: true }
  if (run.kind !== 'restore' || !run.params.request) return strategyOf(context, run.strategy)
  const request = await findRequest<Partial<FixedAsk>>(context.database.read, run.params.request)
  return strategyFor(context, run.strategy, request?.ask ?? {})
}

/** @throws Fault not-found */
export function strategyFor(
  context: EngineContext,
  name: string,
  { standIn = false, targetUrl }: Partial<FixedAsk>,
): Strategy {
  return standIn && targetUrl ? context.standIn(name, targetUrl) : strategyOf(context, name)
}

function configDoubts(strategy: Strategy, standIn: boolean, { front, manifest }: FoundFile): string[] {
  if (standIn || manifest !== null) return []
  const { type } = strategy.compression
  const is = front.layers.findLast((layer) => layer !== front.seal?.method) ?? 'none'
  return type === is ? [] : [`the file has compression ${is}, and ${strategy.name} is configured for ${type}`]
}

function formatDoubts({ manifest }: FoundFile, sniffed: Sniffed | null): string[] {
  if (manifest === null || manifest.format === sniffed?.format) return []
  return [`the manifest says format ${manifest.format}, the bytes are ${sniffed?.format ?? 'something else'}`]
}

/** The first raw bytes of what was chosen, from wherever they can be had; null = from nowhere right now. */
export async function frontOf(
  context: EngineContext,
  { file, copies, manifest, keys }: Chosen,
  signal: AbortSignal,
): Promise<Front | null> {
  if (file) return file.front
  const [artifact] = manifest.artifacts
  for (const copy of copies.filter(({ corrupt }) => corrupt === null)) {
    if (!artifact) break
    const { filters } = context
    const reader = context.storages.get(copy.storage)!
    const from = {
      key: artifact.key,
      bytes: artifact.storedBytes,
      filters,
      unseal: (filter: Filter, { bytes }: { bytes: Buffer }) =>
        unseal(context, filter, { bytes, keys: keys!, signal }),
      signal,
    }
    const reading = readFront(reader, from).catch((error: unknown) => {
      if (isAboutKeys(error)) throw error
      signal.throwIfAborted()
      return null // the restore itself says what is wrong
    })
    const front = await answered(copy.storage, signal, reading)
    if (front) return front
  }
  return null
}
