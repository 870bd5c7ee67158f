import { sql } from 'kysely'
import type { FaultFacts } from '../core/faults.ts'
import type { Actor, Level, RunState, Trigger } from '../core/model.ts'
import type { Read } from './database.ts'

/** Listings over everything that is kept: each condition is one of the database, so that a hundred thousand backups and a
 * million runs stay quick. The indices of the fourth migration hold every column that is asked here. */

export interface Between {
  /** Epoch ms, both included. */
  since?: number
  until?: number
  /** Text in the id. */
  search?: string
  limit: number
}

export type Standing = 'good' | 'corrupt' | 'owed' | 'pinned' | 'foreign'

export interface BackupFilter extends Between {
  /** Absent: all. */
  strategies?: readonly string[]
  series?: string
  storage?: string
  /** At least. */
  level?: Level
  standing?: Standing
}

/** Ids of backups, newest first, each once in however many places it is.
 * @param now  when pins are judged */
export async function findBackupIds(db: Read, filter: BackupFilter, now: number): Promise<string[]> {
  const { strategies = [undefined], level } = filter
  const levels = level === undefined ? [undefined] : allLevels.filter((each) => each >= level)
  // one walk along an index for each, instead of one through all backups
  const walks = strategies.flatMap((strategy) => levels.map((of) => ({ strategy, level: of, now })))
  const found = await Promise.all(walks.map((walk) => backupsOf(db, filter, walk)))
  const newest = found.flat().toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1))
  return [...new Set(newest.map(({ id }) => id))].slice(0, filter.limit) // copies may be of different levels
}

const allLevels: readonly Level[] = ['V0', 'V1', 'V2', 'V3']

async function backupsOf(
  db: Read,
  filter: BackupFilter,
  { strategy, level, now }: { strategy: string | undefined; level: Level | undefined; now: number },
): Promise<{ id: string; created_at: number }[]> {
  let query = db
    .selectFrom('backups')
    .select(['id', 'created_at'])
    .distinct()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(filter.limit)
  if (strategy !== undefined) query = query.where('strategy', '=', strategy)
  if (filter.series !== undefined) query = query.where('series', '=', filter.series)
  if (filter.storage !== undefined) query = query.where('storage', '=', filter.storage)
  if (level !== undefined) query = query.where('level', '=', level)
  if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since)
  if (filter.until !== undefined) query = query.where('created_at', '<=', filter.until)
  if (filter.search !== undefined) query = query.where(sql<number>`instr(id, ${filter.search})`, '>', 0)
  switch (filter.standing) {
    case 'good':
      return query.where('corrupt', 'is', null).execute()
    case 'corrupt':
      return query.where('corrupt', 'is not', null).execute()
    case 'foreign':
      return query.where('is_foreign', '=', sql.lit(1)).execute()
    case 'owed':
      return query.where('id', 'in', db.selectFrom('owed').select('backup')).execute()
    case 'pinned': {
      const held = db
        .selectFrom('pins')
        .select('backup')
        .where((e) => e.or([e('until', 'is', null), e('until', '>', now)]))
      return query.where('id', 'in', held).execute()
    }
    default:
      return query.execute()
  }
}

/** One line of history: what is known without looking at anything beside it. */
export interface RunLine {
  id: string
  strategy: string
  state: RunState
  queuedAt: number
  startedAt: number | null
  endedAt: number | null
  trigger: Trigger
  actor: Actor
  fault: FaultFacts | null
}

export interface RunFilter extends Between {
  strategies?: readonly string[]
  state: RunState
}

/** Backup runs that ended so, newest first. */
export async function findRunLines(db: Read, filter: RunFilter): Promise<RunLine[]> {
  const { strategies } = filter
  if (strategies === undefined) return runsOf(db, filter)
  const found = await Promise.all(strategies.map((strategy) => runsOf(db, filter, strategy)))
  return found
    .flat()
    .toSorted((a, b) => b.queuedAt - a.queuedAt)
    .slice(0, filter.limit)
}

async function runsOf(db: Read, filter: RunFilter, strategy?: string): Promise<RunLine[]> {
  let query = db
    .selectFrom('runs')
    .select(['id', 'strategy', 'state', 'queued_at', 'started_at', 'ended_at', 'trigger', 'actor', 'fault'])
    .where('kind', '=', 'backup')
    .where('state', '=', filter.state)
    .orderBy('queued_at', 'desc')
    .limit(filter.limit)
  if (strategy !== undefined) query = query.where('strategy', '=', strategy)
  if (filter.since !== undefined) query = query.where('queued_at', '>=', filter.since)
  if (filter.until !== undefined) query = query.where('queued_at', '<=', filter.until)
  if (filter.search !== undefined) query = query.where(sql<number>`instr(id, ${filter.search})`, '>', 0)
  return (await query.execute()).map((row) => ({
    id: row.id,
    strategy: row.strategy,
    state: row.state as RunState,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    trigger: row.trigger as Trigger,
    actor: JSON.parse(row.actor) as Actor,
    fault: row.fault === null ? null : (JSON.parse(row.fault) as FaultFacts),
  }))
}
