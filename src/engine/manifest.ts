import { createHash } from 'node:crypto'
import { DateTime } from 'luxon'
import { canonical } from '../core/canonical.ts'
import type { Strategy } from '../core/config.ts'
import type { EncryptionFacts } from '../core/encryption.ts'
import { Fault } from '../core/faults.ts'
import { parseBackupId } from '../core/keys.ts'
import type { Artifact, Manifest, Series, TableRows } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import type { Inspection, Source } from '../sources/source.ts'
import type { Run } from '../state/runs.ts'
import { canRead, stockDecoders } from './chain.ts'
import { driverOf, type EngineContext } from './context.ts'
import { leftOutBy } from './left-out.ts'

interface Ingredients {
  id: string
  run: Run
  strategy: Strategy
  series: Series
  source: Source
  inspection: Inspection
  startedAt: number
  /** Start of the newest good backup before this one. */
  previousAt: number | null
  artifacts: Artifact[]
  tables: TableRows[] | null
  objects: Record<string, number> | undefined
  encryption: EncryptionFacts | null
  /** Of an encrypted backup: then tables and configuration are in there. */
  details: Artifact | null
}

/** The commit of a backup: everything one must know to restore it without us. */
export function buildManifest(context: EngineContext, facts: Ingredients): Manifest {
  const { strategy, inspection, artifacts, details, encryption } = facts
  const rawBytes = artifacts.every((artifact) => artifact.rawBytes !== null)
    ? sum(artifacts.map((artifact) => artifact.rawBytes ?? 0))
    : null
  const { kind, options } = strategy.source
  const leftOut = facts.series.globals ? [] : leftOutBy(driverOf(context, kind), options)
  const manifest: Omit<Manifest, 'digest'> = {
    schema: 1,
    id: facts.id,
    strategy: strategy.name,
    series: facts.series.name,
    engine: inspection.engine,
    method: inspection.method,
    format: inspection.format,
    database: inspection.database,
    ...(facts.series.globals && { globals: true as const }),
    endpoint: inspection.endpoint,
    host: context.host,
    startedAt: iso(facts.startedAt),
    endedAt: iso(context.clock.now()),
    trigger: facts.run.trigger,
    actor: facts.run.actor,
    attempt: facts.run.attempt,
    rawBytes,
    storedBytes: sum([...artifacts, ...(details ? [details] : [])].map((object) => object.storedBytes)),
    compression: strategy.compression.type,
    encryption,
    level: strategy.prove ? 'V2' : 'V0',
    ...(strategy.prove && !canRead(strategy.encryption) && { provedAtDump: true }),
    tables: details ? null : facts.tables,
    ...(facts.objects && { objects: facts.objects }),
    ...(leftOut.length > 0 && { leftOut }),
    artifacts,
    ...(details && { details }),
    kinds: kindsOf(facts.startedAt, facts.previousAt, strategy.timezone),
    restoreCommands: stockCommands(context, facts),
    strategyConfig: details ? null : strategy.redacted,
    tool: { name: 'easy-backup', version: context.version },
    installation: context.installation,
  }
  return { ...manifest, digest: digestOf(manifest) }
}

/** Reads a manifest as stored. @throws Fault object-corrupt when it was changed or is not ours */
export function readManifest(text: string, key: string): Manifest {
  const manifest = readManifestApart(text, key)
  if (belongsAt(manifest, key)) return manifest
  throw broken(key, 'belongs to another place')
}

/** The same wherever it lies: somebody may have copied it away together with its files.
 * @param name for the complaint */
export function readManifestApart(text: string, name: string): Manifest {
  let manifest: Manifest
  try {
    manifest = JSON.parse(text) as Manifest
  } catch {
    throw broken(name, 'is not JSON')
  }
  if (manifest === null || typeof manifest !== 'object' || manifest.schema !== 1)
    throw broken(name, 'has a schema that this version does not know')
  const { digest, ...rest } = manifest
  if (digest !== digestOf(rest)) throw broken(name, 'was changed after it was written')
  const first: Partial<Artifact> | null = Array.isArray(manifest.artifacts) ? manifest.artifacts[0]! : null
  if (typeof first?.key !== 'string' || !belongsAt(manifest, first.key))
    throw broken(name, 'names files that are not its own')
  return manifest
}

function broken(name: string, why: string): Fault {
  return new Fault('object-corrupt', `the manifest ${name} ${why}`, {
    hint: 'restore an older backup; do not edit manifests',
  })
}

/** Keys and names in a manifest become paths: they lie in its own folder, which bears its id (promise 15). */
function belongsAt(manifest: Manifest, key: string): boolean {
  const { id, strategy, artifacts } = manifest
  const folder = key.slice(0, key.lastIndexOf('/') + 1)
  return (
    parseBackupId(id)?.strategy === strategy &&
    folder.endsWith(`/${id}/`) &&
    artifacts.length > 0 &&
    objectsOf(manifest).every(
      (artifact) =>
        typeof artifact?.key === 'string' &&
        /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(artifact.name) &&
        artifact.key.startsWith(folder) &&
        /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(artifact.key.slice(folder.length)) &&
        /^[0-9a-f]{64}$/.test(artifact.sha256),
    )
  )
}

function digestOf(manifest: Omit<Manifest, 'digest'>): string {
  return createHash('sha256').update(canonical(manifest)).digest('hex')
}

/** What a person pastes in the folder that holds the stored files; `KEYFILE` stands for the file with the private key. */
function stockCommands(context: EngineContext, facts: Ingredients): string[] {
  const undo = facts.artifacts.flatMap((artifact) => {
    const stored = artifact.key.split('/').at(-1)!
    const [first, ...more] = stockDecoders(context.filters, artifact.filters, facts.encryption)
    if (first === undefined) return []
    return [`${first} < '${stored}'${more.map((decoder) => ` | ${decoder}`).join('')} > '${artifact.name}'`]
  })
  const names = facts.artifacts.map((artifact) => artifact.name)
  const restore = facts.source.stockRestore({ series: facts.series.name, artifacts: names })
  return [...undo, ...restore.map((command) => command.replaceAll('{file}', `'${names[0] ?? ''}'`))]
}

const buckets = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month' } as const

/** The calendar buckets, in the strategy's zone, in which no good backup was made before this one. */
function kindsOf(at: number, previousAt: number | null, zone: string): string[] {
  const startOf = (instant: number, unit: (typeof buckets)[keyof typeof buckets]): number =>
    DateTime.fromMillis(instant, { zone }).startOf(unit).toMillis()
  return Object.entries(buckets)
    .filter(([, unit]) => previousAt === null || startOf(previousAt, unit) !== startOf(at, unit))
    .map(([kind]) => kind)
}

const iso = (at: number): string => new Date(at).toISOString()
const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0)
