import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { EngineContext } from '../src/engine/context.ts'
import { backupFolder, backupId, manifestName } from '../src/core/keys.ts'
import type { ObjectInfo, Storage } from '../src/storages/storage.ts'
import { openWorld, type World } from '../test/support/world.ts'
import type { Bench } from './bench.ts'
import { absolute, type Result } from './result.ts'
import { median, percentile } from './timing.ts'

const runCount = 1_000_000
const strategyNames = Array.from({ length: 20 }, (_, n) => `db-${String(n).padStart(2, '0')}`)
const backupsEach = 2_500 // with a manifest each: 100,000 objects
const hourMs = 3_600_000
const callsEach = 200

/** What a list costs beside a million runs, and what judging 100,000 objects costs us when the place answers at once. */
export async function measureCatalogue(bench: Bench): Promise<Result[]> {
  const folder = join(bench.folder, 'catalogue')
  await mkdir(folder)
  const now = Date.now()
  const ids = new Map(strategyNames.map((name) => [name, idsOf(name, now)]))
  const world = await openWorld(folder, {
    global: {
      retention: { keep_hourly: 48, keep_daily: 30, keep_monthly: 12, keep_yearly: 5 },
      schedule: '1h',
    },
    strategies: Object.fromEntries(strategyNames.map((name) => [name, {}])),
    adjust: (context) => withInstantListing(context, ids),
  })
  try {
    bench.told(`writing ${runCount} runs and ${strategyNames.length * backupsEach} backups`)
    await fillRuns(world, now)
    await fillBackups(world, ids, now)
    return [await measureLists(world), await measureJudging(world, bench)]
  } finally {
    await world.close()
  }
}

function idsOf(strategy: string, now: number): { id: string; at: number }[] {
  return Array.from({ length: backupsEach }, (_, n) => {
    const at = Math.floor((now - n * hourMs) / 1_000) * 1_000
    return { id: backupId(strategy, at, Math.random), at }
  })
}

/** The place answers a listing at once: what is left is our part. */
function withInstantListing(
  context: EngineContext,
  ids: Map<string, { id: string; at: number }[]>,
): EngineContext {
  const objects = [...ids.values()].flat().flatMap(({ id, at }) => {
    const folder = backupFolder(id, { name: '', sole: true })
    return [folder + 'shop.dump.zst', folder + manifestName].map((key): ObjectInfo => ({
      key,
      bytes: 1,
      modifiedAt: at,
    }))
  })
  const pageObjects = 1_000
  const byPrefix = new Map<string, ObjectInfo[]>()
  const storages = [...context.storages].map(([name, real]) => {
    const list: Storage['list'] = async (prefix, cursor) => {
      if (!byPrefix.has(prefix))
        byPrefix.set(
          prefix,
          objects.filter(({ key }) => key.startsWith(prefix)),
        )
      const all = byPrefix.get(prefix)!
      const from = Number(cursor ?? 0)
      const next = from + pageObjects
      return { objects: all.slice(from, next), cursor: next < all.length ? String(next) : null }
    }
    return [name, { ...real, list }] as const
  })
  return { ...context, storages: new Map(storages) }
}

async function fillRuns({ context }: World, now: number): Promise<void> {
  const result = JSON.stringify({
    backup: {
      id: 'x',
      storedBytes: 341_000_000,
      rawBytes: 1_250_000_000,
      storages: ['disk'],
      owed: [],
      warnings: [],
    },
  })
  const actor = JSON.stringify({ via: 'service', id: 'scheduler' })
  await context.database.write((tx) =>
    sql`
      INSERT INTO runs (id, kind, strategy, series, state, trigger, actor, params, queued_at, started_at, ended_at, attempt, max_attempts, engine, result)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${runCount})
      SELECT 'r' || printf('%08d', i), 'backup', 'db-' || printf('%02d', i % ${strategyNames.length}), 'shop',
        CASE WHEN i % 97 = 0 THEN 'failed' ELSE 'succeeded' END, 'schedule', ${actor}, '{}',
        ${now} - (${runCount} - i) * 3600, ${now} - (${runCount} - i) * 3600, ${now} - (${runCount} - i) * 3600 + 60000, 1, 1,
        'PostgreSQL 15', CASE WHEN i % 97 = 0 THEN NULL ELSE ${result} END FROM n`.execute(tx),
  )
}

/** A real manifest, again and again under other names. */
async function fillBackups(
  world: World,
  ids: Map<string, { id: string; at: number }[]>,
  now: number,
): Promise<void> {
  const sample = await world.backup(strategyNames[0])
  const { manifest } = await world.engine.backup(sample.backup!.id, null)
  const rows = [...ids].flatMap(([strategy, all]) =>
    all.map(({ id, at }) => ({
      id,
      at: Math.min(at, now),
      strategy,
      key: `${backupFolder(id, { name: '', sole: true })}shop.dump.zst`,
    })),
  )
  await world.context.database.write((tx) =>
    sql`
      INSERT INTO backups (id, storage, strategy, series, created_at, stored_bytes, level, corrupt, is_foreign, manifest)
      SELECT value ->> 'id', 'disk', value ->> 'strategy', ${manifest.series}, value ->> 'at', 341000000, 'V2', NULL, 0,
        json_set(${JSON.stringify(manifest)}, '$.id', value ->> 'id', '$.strategy', value ->> 'strategy',
          '$.artifacts[0].key', value ->> 'key')
      FROM json_each(${JSON.stringify(rows)})`.execute(tx),
  )
}

async function measureLists({ engine }: World): Promise<Result> {
  const calls = [
    () => engine.runs({ limit: 20 }),
    () => engine.runs({ strategy: 'db-07', limit: 20 }),
    () => engine.runs({ state: 'failed', limit: 20 }),
    () => engine.backups({ limit: 20 }),
    () => engine.backups({ strategy: 'db-07', limit: 20 }),
  ]
  const tookMs: number[] = []
  for (let n = 0; n < callsEach * calls.length; n++) {
    const begun = performance.now()
    await calls[n % calls.length]!()
    tookMs.push(performance.now() - begun)
  }
  return absolute(
    'list of 20 beside 1,000,000 runs: p99',
    { value: percentile(tookMs, 0.99), unit: 'ms' },
    { below: 20 },
  )
}

async function measureJudging({ engine }: World, { rounds, told }: Bench): Promise<Result> {
  const tookS: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now()
    const views = await engine.retention(null)
    if (round > 0) tookS.push((performance.now() - begun) / 1_000)
    if (round === 0) told(`${views.length} series judged`)
  }
  return absolute(
    '100,000 objects listed and judged: our part',
    { value: median(tookS), unit: 's' },
    { below: 2 },
  )
}
