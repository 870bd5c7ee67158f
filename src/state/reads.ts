import { sql } from 'kysely'
import type { RereadStanding } from '../core/reread.ts'
import type { Read, Write } from './database.ts'
import { recall, remember } from './memory.ts'

/** A copy was read again and is what was written; so it has level V1 at least. */
export async function saveRead(
  tx: Write,
  { id, storage, at }: { id: string; storage: string; at: number },
): Promise<void> {
  await tx
    .updateTable('backups')
    .set({
      read_at: at,
      tried_at: null,
      unread_since: null,
      level: sql`CASE level WHEN 'V0' THEN 'V1' ELSE level END`,
    })
    .where('id', '=', id)
    .where('storage', '=', storage)
    .where('corrupt', 'is', null)
    .execute()
}

/** A copy was tried, and could not be read: the others have their turn before it is tried again. */
export async function saveTried(
  tx: Write,
  { id, storage, at }: { id: string; storage: string; at: number },
): Promise<void> {
  await tx
    .updateTable('backups')
    .set({ tried_at: at, unread_since: sql`coalesce(unread_since, ${at})` })
    .where('id', '=', id)
    .where('storage', '=', storage)
    .execute()
}

/** Copies in a place that could not be read at any try since then. @returns null: there are none */
export async function unreadIn(
  db: Read,
  storage: string,
  before: number,
): Promise<{ copies: number; since: number } | null> {
  const row = await db
    .selectFrom('backups')
    .select((e) => [e.fn.countAll<number>().as('copies'), e.fn.min('unread_since').as('since')])
    .where('storage', '=', storage)
    .where('tried_at', 'is not', null)
    .where('unread_since', '<=', before)
    .where('corrupt', 'is', null)
    .executeTakeFirstOrThrow()
  return row.since === null ? null : { copies: row.copies, since: row.since }
}

/** Not what was written. One that only failed its drill keeps a level: its bytes are as they were. */
const isBroken = sql<boolean>`corrupt IS NOT NULL AND level = 'V0'`

/** How the copies of a strategy's own backups stand; null: there are none. */
export async function rereadStanding(db: Read, strategy: string): Promise<RereadStanding | null> {
  const isGood = sql<boolean>`corrupt IS NULL`
  const row = await db
    .selectFrom('backups')
    .select((e) => [
      e.fn.countAll<number>().as('copies'),
      e.fn.countAll<number>().filterWhere(isBroken).as('broken'),
      e.fn.max('read_at').as('lastAt'),
      sql<number | null>`min(CASE WHEN ${isGood} THEN coalesce(read_at, created_at) END)`.as('allSince'),
    ])
    .where('strategy', '=', strategy)
    .where('is_foreign', '=', 0)
    .executeTakeFirstOrThrow()
  return row.copies === 0 ? null : row
}

/** What was read again in a period, of what is still there; and how many copies are broken now. */
export async function rereadIn(
  db: Read,
  strategies: readonly string[],
  { since, until }: { since: number; until: number },
): Promise<{ copies: number; bytes: number; broken: number }> {
  const mine = db.selectFrom('backups').where('strategy', 'in', strategies).where('is_foreign', '=', 0)
  const read = await mine
    .select((e) => [
      e.fn.countAll<number>().as('copies'),
      e.fn.sum<number | null>('stored_bytes').as('bytes'),
    ])
    .where('read_at', '>=', since)
    .where('read_at', '<', until)
    .executeTakeFirstOrThrow()
  const { broken } = await mine
    .select((e) => e.fn.countAll<number>().as('broken'))
    .where(isBroken)
    .executeTakeFirstOrThrow()
  return { copies: read.copies, bytes: read.bytes ?? 0, broken }
}

/** After what a place is left alone: so many bytes were read of it, or it could not be read. */
export interface Pace {
  at: number
  bytes: number
  isAway: boolean
}

const paceKey = (storage: string): string => `reread/${storage}`

export async function paceOf(db: Read, storage: string): Promise<Pace | null> {
  const value = await recall(db, paceKey(storage))
  return value === null ? null : (JSON.parse(value) as Pace)
}

export async function savePace(tx: Write, storage: string, pace: Pace): Promise<void> {
  await remember(tx, paceKey(storage), JSON.stringify(pace))
}
