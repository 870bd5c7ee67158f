import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { canonical } from '../core/canonical.ts'
import type { Strategy } from '../core/config.ts'
import type { BackupResult, Manifest } from '../core/model.ts'
import type { Basis } from '../core/results.ts'
import {
  emptiedTables,
  leastBefore,
  mostBefore,
  oddities,
  unlike,
  type Measures,
  type Oddity,
} from '../core/usual.ts'
import { listCopies } from '../state/catalogue.ts'
import { earlierResults } from '../state/earlier.ts'
import type { EngineContext } from './context.ts'

/** How far back backups of the same kind are looked for. */
const lookedAt = 40

type Judged = Pick<BackupResult, 'tookMs' | 'basis' | 'odd' | 'warnings'>

/** Compares a new good backup with those before it that were made in the same way; what was made in another way says nothing. What
 * people have found right is not odd again.
 * @param result  what is known of it so far */
export async function judgeBackup(
  context: EngineContext,
  strategy: Strategy,
  { manifest, result }: { manifest: Manifest; result: Pick<BackupResult, 'id' | 'rows' | 'warnings'> },
): Promise<Judged> {
  const { series } = manifest
  const basis = basisOf(strategy, manifest)
  const all = await earlierResults(context.database.read, {
    strategy: strategy.name,
    series,
    limit: lookedAt,
  })
  const earlier = all.filter(({ id }) => id !== result.id)
  const alike = earlier.filter((one) => isDeepStrictEqual(one.basis, basis)).slice(0, mostBefore)
  const now = measuresOf({ ...result, ...manifest, tookMs: tookMs(manifest) })
  const odd =
    alike.length < leastBefore ? undefined : await oddOf(context, { strategy, manifest, now, alike })
  return {
    tookMs: now.tookMs,
    basis,
    ...(odd && { odd }),
    warnings: [...result.warnings, ...anew(earlier[0]?.basis, basis)],
  }
}

async function oddOf(
  context: EngineContext,
  {
    strategy: { name, expect },
    manifest,
    now,
    alike,
  }: { strategy: Strategy; manifest: Manifest; now: Measures; alike: readonly BackupResult[] },
): Promise<Oddity[]> {
  const before = alike.map((one) => measuresOf({ ...one, tookMs: one.tookMs ?? 0 }))
  const emptied = expect.rows === null ? [] : await emptiedIn(context, name, { manifest, alike })
  const accepted = alike.find((one) => one.accepted)?.odd ?? []
  return unlike([...oddities(now, before, expect), ...emptied], accepted, expect)
}

/** Tables are compared with those of backups that are still there: only manifests name them. */
async function emptiedIn(
  context: EngineContext,
  strategy: string,
  { manifest, alike }: { manifest: Manifest; alike: readonly BackupResult[] },
): Promise<Oddity[]> {
  if (manifest.tables === null) return []
  const copies = await listCopies(context.database.read, {
    strategies: [strategy],
    ids: alike.map(({ id }) => id),
  })
  const tables = new Map(copies.map((copy) => [copy.id, copy.manifest.tables]))
  const earlier = alike.flatMap(({ id }) => (tables.has(id) ? [tables.get(id)!] : []))
  return emptiedTables(manifest.tables, earlier)
}

function measuresOf({ storedBytes, tookMs, rows }: Measures): Measures {
  return { storedBytes, tookMs, rows }
}

function tookMs({ startedAt, endedAt }: Manifest): number {
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt))
}

function basisOf({ source, compression, prove }: Strategy, manifest: Manifest): Basis {
  const { encryption, engine, method } = manifest
  return {
    compression: `${compression.type} ${compression.level ?? ''}`.trim(),
    encryption: encryption === null ? 'none' : `${encryption.method} ${encryption.mode}`,
    options: createHash('sha256').update(canonical(source.options)).digest('hex').slice(0, 16),
    prove: String(prove),
    method: `${engine.kind} ${method}`,
  }
}

/** Said once, with the first backup that is made in another way. */
function anew(was: Basis | undefined, is: Basis): string[] {
  if (was === undefined) return []
  const changed = (Object.keys(is) as (keyof Basis)[]).filter((key) => was[key] !== is[key])
  if (changed.length === 0) return []
  const names = changed.join(', ')
  return [`${names} changed: from here on size, rows and duration are compared anew`]
}
