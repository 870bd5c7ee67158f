import { sql } from 'kysely'
import type { PlaceUse } from '../core/digest.ts'
import { outcomes, type Outcome } from '../core/model.ts'
import type { Read } from './database.ts'
import { endedDrills } from './drills.ts'

/** What a digest and the dashboard count. */

const longestRunMs = 7 * 24 * 3600_000 // bounds the look through the index, which is by when a run was queued

/** Backup runs that ended from `since` up to, not including, `until`: how many of each outcome per strategy. */
export async function endedRuns(
  db: Read,
  { since, until }: { since: number; until: number },
): Promise<{ strategy: string; outcome: Outcome; count: number }[]> {
  const rows = await db
    .selectFrom('runs')
    .select((e) => ['strategy', 'state', e.fn.countAll<number>().as('count')])
    .where('kind', '=', 'backup')
    .where('state', 'in', outcomes)
    .where('queued_at', '>=', since - longestRunMs)
    .where('ended_at', '>=', since)
    .where('ended_at', '<', until)
    .groupBy(['strategy', 'state'])
    .execute()
  return rows.map(({ strategy, state, count }) => ({ strategy, outcome: state as Outcome, count }))
}

/** Slots of these strategies that passed without a run, those of a pause not counted. */
export async function missedSlots(
  db: Read,
  strategies: readonly string[],
  { since, until }: { since: number; until: number },
): Promise<number> {
  const row = await db
    .selectFrom('slots')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('strategy', 'in', strategies)
    .where('slot_at', '>=', since)
    .where('slot_at', '<', until)
    .where('skipped', 'is not', null)
    .where('skipped', 'not like', 'paused %')
    .executeTakeFirstOrThrow()
  return row.count
}

/** Stored bytes of a strategy's newest backup that was begun before an instant; also of one that retention has deleted since. */
export async function sizeBefore(db: Read, strategy: string, at: number): Promise<number | null> {
  // one look each, because only with one state the index gives the newest at once
  const found = await Promise.all(
    (['succeeded', 'degraded'] as const).map((state) =>
      db
        .selectFrom('runs')
        .select(['queued_at', sql<number | null>`json_extract(result, '$.backup.storedBytes')`.as('bytes')])
        .where('strategy', '=', strategy)
        .where('kind', '=', 'backup')
        .where('state', '=', state)
        .where('queued_at', '<', at)
        .orderBy('queued_at', 'desc')
        .limit(1)
        .executeTakeFirst(),
    ),
  )
  const [newest] = found.filter((row) => row !== undefined).toSorted((a, b) => b.queued_at - a.queued_at)
  return newest?.bytes ?? null
}

/** What each place holds of these strategies, by name; null = of everything. */
export async function placesUsed(db: Read, among: readonly string[] | null): Promise<PlaceUse[]> {
  const all = db.selectFrom('backups')
  return (among === null ? all : all.where('strategy', 'in', among))
    .select((e) => [
      'storage',
      e.fn.countAll<number>().as('backups'),
      e.fn.sum<number>('stored_bytes').as('storedBytes'),
    ])
    .groupBy('storage')
    .orderBy('storage')
    .execute()
}

/** A backup of a strategy that was restored whole and compared: the newest time. */
export interface Proof {
  at: number
  backup: string
  by: 'restore' | 'drill'
  /** Fetch, verify and restore. */
  restoreMs: number | null
}

const lookedAt = 20 // newest restores of a strategy; of more, all for single tables, nobody has a proof

/** @returns null when none was ever restored; a restore of single tables proves nothing about the others */
export async function lastProof(db: Read, strategy: string): Promise<Proof | null> {
  const proofs = [await lastRestore(db, strategy), await lastPassedDrill(db, strategy)]
  return proofs.filter((one) => one !== null).toSorted((a, b) => b.at - a.at)[0] ?? null
}

async function lastRestore(db: Read, strategy: string): Promise<Proof | null> {
  const rows = await db
    .selectFrom('runs')
    .leftJoin('requests', (join) =>
      join.on(sql<boolean>`requests.id = json_extract(runs.params, '$.request')`),
    )
    .select([
      'runs.ended_at as at',
      sql<string>`json_extract(runs.result, '$.restore.backup')`.as('backup'),
      sql<number>`coalesce(json_array_length(requests.plan, '$.tables'), 0)`.as('tables'),
      sql<
        number | null
      >`json_extract(runs.result, '$.restore.fetchMs') + json_extract(runs.result, '$.restore.restoreMs')`.as(
        'ms',
      ),
    ])
    .where('runs.strategy', '=', strategy)
    .where('runs.kind', '=', 'restore')
    .where('runs.state', '=', 'succeeded')
    .orderBy('runs.seq', 'desc')
    .limit(lookedAt)
    .execute()
  const whole = rows.find(({ tables }) => tables === 0)
  if (!whole || whole.at === null) return null
  return { at: whole.at, backup: whole.backup, by: 'restore', restoreMs: whole.ms }
}

async function lastPassedDrill(db: Read, strategy: string): Promise<Proof | null> {
  const [passed] = await endedDrills(db, { strategy, verdict: 'pass', limit: 1 })
  if (!passed) return null
  const { backup, restoreMs } = passed.result
  return { at: passed.at, backup, by: 'drill', restoreMs }
}

/** The end of the newest digest's period; null before the first. */
export async function lastDigest(db: Read, name: string, before: number): Promise<number | null> {
  const row = await db
    .selectFrom('slots')
    .select((e) => e.fn.max('slot_at').as('at'))
    .where('strategy', '=', name)
    .where('run', 'is not', null)
    .where('slot_at', '<', before)
    .executeTakeFirst()
  return row?.at ?? null
}
