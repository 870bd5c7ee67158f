import type { DrillCheckResult, DrillResult, DrillVerdict } from '../../core/drill.ts'
import { asFault } from '../../core/faults.ts'
import type { Actor, Level, Manifest, TableRows, Trigger } from '../../core/model.ts'
import { objectsOf } from '../../core/stored-objects.ts'
import type { Copy } from '../../state/catalogue.ts'
import { bytesSpool } from '../../sys/spool.ts'
import { storageOf, type EngineContext } from '../context.ts'
import { reachable } from '../copies.ts'
import { folderOf } from '../folder-of.ts'
import { sidecarStamp } from '../verdict.ts'
import type { Work } from '../work.ts'
import { evidencePage } from './evidence-page.ts'
import type { Rehearsal } from './rehearse.ts'

/** What an auditor asks of a drill: a write-once sidecar, beside it the same as a page. Instants are ISO 8601, UTC. */
export interface Evidence {
  schema: 1
  kind: 'drill'
  verdict: DrillVerdict
  why: string | null
  backup: {
    id: string
    strategy: string
    series: string
    engine: string
    database: string
    madeAt: string
    level: Level
    /** Of the manifest, which holds those of the files. */
    digest: string
    objects: { key: string; bytes: number; sha256: string }[]
    encrypted: boolean
  }
  restored: { server: string; host: string; fromStorage: string | null }
  rows: { expected: number | null; found: number | null; tables: ComparedTable[] | null }
  objects: { kind: string; expected: number; found: number }[] | null
  checks: (Omit<DrillCheckResult, 'name' | 'found' | 'expected'> & Partial<DrillCheckResult>)[]
  times: {
    startedAt: string
    endedAt: string
    restoreMs: number | null
    maxDurationMs: number | null
    previousMs: number | null
  }
  asked: { run: string; by: Actor; trigger: Trigger }
  notes: string[]
  tool: { name: 'easy-backup'; version: string }
  installation: string
}

export interface ComparedTable {
  name: string
  expected: number | null
  found: number | null
}

interface Told {
  result: DrillResult
  found: Rehearsal
  copies: readonly Copy[]
  /** What may be said where names of tables and what they hold must not be. */
  discreet: string | null
}

const keepMs = 60_000 // also when the drill itself had no more time

/** Beside every copy. A place that takes none loses only this copy of it.
 * @returns the first that was stored; null: none */
export async function keepEvidence(
  context: EngineContext,
  work: Work,
  told: Told,
): Promise<DrillResult['evidence']> {
  const signal = AbortSignal.timeout(keepMs)
  const name = `drill-${sidecarStamp(context)}`
  const kept: NonNullable<DrillResult['evidence']>[] = []
  for (const copy of reachable(context, told.copies)) {
    const evidence = evidenceOf(context, work, { ...told, copy })
    const files = { json: JSON.stringify(evidence, null, 2) + '\n', md: evidencePage(evidence) }
    const key = `${folderOf(copy)}${name}`
    try {
      for (const [extension, text] of Object.entries(files))
        await storageOf(context, copy.storage).put(`${key}.${extension}`, bytesSpool(Buffer.from(text)), {
          ifAbsent: true,
          signal,
        })
      kept.push({ storage: copy.storage, key: `${key}.json` })
    } catch (error) {
      const { message } = asFault(error)
      context.logs.append(work.run.id, `the evidence could not be stored in ${copy.storage}: ${message}`)
      context.log.warn('the evidence of a drill could not be stored', { run: work.run.id, error: message })
    }
  }
  return kept[0] ?? null
}

/** The page, of the two files that evidence is. */
export function isEvidencePage(key: string): boolean {
  return /\/drill-[^/]+\.md$/.test(key)
}

function evidenceOf(
  context: EngineContext,
  { run, strategy }: Work,
  { result, found, copy, discreet }: Told & { copy: Copy },
): Evidence {
  const { manifest } = copy
  const isSecret = manifest.encryption !== null
  const scrub = (text: string): string => context.scrub(text)
  const why = isSecret ? discreet : result.why
  return {
    schema: 1,
    kind: 'drill',
    verdict: result.verdict,
    why: why && scrub(why),
    backup: backupOf(copy),
    restored: { server: scrub(found.server), host: context.host, fromStorage: found.storage },
    rows: {
      expected: total(found.expected),
      found: total(found.restored),
      tables: isSecret || !found.restored ? null : compared(found),
    },
    objects: objectsIn(found),
    checks: found.checks.map((check) =>
      isSecret ? { ok: check.ok } : { ...check, found: check.found && scrub(check.found) },
    ),
    times: {
      startedAt: iso(run.startedAt ?? run.queuedAt),
      endedAt: iso(context.clock.now()),
      restoreMs: result.restoreMs,
      maxDurationMs: strategy.drill?.maxDurationMs ?? null,
      previousMs: result.previousMs,
    },
    asked: { run: run.id, by: run.actor, trigger: run.trigger },
    notes: isSecret ? [] : found.notes.map(scrub),
    tool: { name: 'easy-backup', version: context.version },
    installation: context.installation,
  }
}

function backupOf({ id, level, manifest }: Copy): Evidence['backup'] {
  return {
    id,
    strategy: manifest.strategy,
    series: manifest.series,
    engine: `${manifest.engine.name} ${manifest.engine.serverVersion}`,
    database: manifest.database,
    madeAt: manifest.startedAt,
    level,
    digest: manifest.digest,
    objects: sums(manifest),
    encrypted: manifest.encryption !== null,
  }
}

function sums(manifest: Manifest): Evidence['backup']['objects'] {
  return objectsOf(manifest).map(({ key, storedBytes, sha256 }) => ({ key, bytes: storedBytes, sha256 }))
}

function total(tables: readonly TableRows[] | null): number | null {
  return tables && tables.reduce((sum, { rows }) => sum + rows, 0)
}

function compared({ expected, restored }: Rehearsal): ComparedTable[] {
  const [before, now] = [expected ?? [], restored ?? []].map(
    (tables) => new Map(tables.map(({ name, rows }) => [name, rows])),
  ) as [Map<string, number>, Map<string, number>]
  return [...new Set([...before.keys(), ...now.keys()])]
    .toSorted()
    .map((name) => ({ name, expected: before.get(name) ?? null, found: now.get(name) ?? null }))
}

function objectsIn({ objects }: Rehearsal): Evidence['objects'] {
  if (!objects) return null
  const { expected, found } = objects
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .toSorted()
    .map((kind) => ({ kind, expected: expected[kind] ?? 0, found: found[kind] ?? 0 }))
}

const iso = (ms: number): string => new Date(ms).toISOString()
