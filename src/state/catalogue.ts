import { sql, type Selectable } from 'kysely'
import type { Level, Manifest, Pin } from '../core/model.ts'
import type { Oddity } from '../core/usual.ts'
import type { Read, Write } from './database.ts'
import { pinOf, savePin } from './pins.ts'
import type { SeriesRef } from './series.ts'
import type { BackupsTable } from './tables.ts'

/** One backup in one storage. It can be rebuilt from the storage alone. */
export interface Copy {
  id: string
  storage: string
  strategy: string
  series: string
  createdAt: number
  level: Level
  /** What a verification found wrong; null = nothing known. */
  corrupt: string | null
  foreign: boolean
  manifest: Manifest
  /** The newest word about the backup, also one that has ended. */
  pin?: Pin | null
  /** What was not as usual when it was made; empty: nothing, or nobody knows. */
  odd?: Oddity[]
  /** When all of it was read again and found whole; null: never since it was written. */
  readAt?: number | null
}

export async function saveCopy(tx: Write, copy: Copy): Promise<void> {
  const { createdAt, foreign, manifest, pin, odd: _odd, readAt, ...same } = copy
  const row = {
    ...same,
    created_at: createdAt,
    stored_bytes: manifest.storedBytes,
    is_foreign: Number(foreign),
    manifest: JSON.stringify(manifest),
    ...(typeof readAt === 'number' && { read_at: readAt }), // never forgotten: only known better
  }
  await tx
    .insertInto('backups')
    .values(row)
    .onConflict((conflict) => conflict.columns(['id', 'storage']).doUpdateSet(row))
    .execute()
  if (pin) await savePin(tx, copy.id, pin)
}

export async function forgetCopy(tx: Write, id: string, storage: string): Promise<void> {
  await tx.deleteFrom('backups').where('id', '=', id).where('storage', '=', storage).execute()
}

/** Newest first. A suffix matches the end of the id. */
export async function listCopies(
  db: Read,
  filter: {
    strategies?: readonly string[]
    series?: string
    storage?: string
    id?: string
    ids?: readonly string[]
    suffix?: string
    limit?: number
  },
): Promise<Copy[]> {
  let query = copies(db).orderBy('created_at', 'desc').orderBy('id', 'desc')
  if (filter.strategies) query = query.where('strategy', 'in', filter.strategies)
  if (filter.series) query = query.where('series', '=', filter.series)
  if (filter.storage) query = query.where('storage', '=', filter.storage)
  if (filter.ids) query = query.where('id', 'in', filter.ids)
  if (filter.id) query = query.where('id', '=', filter.id)
  if (filter.suffix) query = query.where('id', 'like', `%-${filter.suffix.replaceAll(/[^a-z0-9]/g, '')}`)
  if (filter.limit) query = query.limit(filter.limit)
  return (await query.execute()).map(fromRow)
}

export async function saveVerdict(
  tx: Write,
  id: string,
  storage: string,
  verdict: { level: Level; corrupt: string | null },
): Promise<void> {
  await tx.updateTable('backups').set(verdict).where('id', '=', id).where('storage', '=', storage).execute()
}

/** Of all its copies. */
export async function saveOdd(tx: Write, id: string, odd: readonly Oddity[]): Promise<void> {
  await tx
    .updateTable('backups')
    .set({ odd: JSON.stringify(odd) })
    .where('id', '=', id)
    .execute()
}

/** The newest backup of a strategy, or of one series, that nothing speaks against.
 * @param except  a backup that does not count
 * @param until  ignores what a clock that was ahead has dated later */
export async function newestGood(
  db: Read,
  of: string | SeriesRef,
  except: string | null,
  until = Number.MAX_SAFE_INTEGER,
): Promise<Copy | null> {
  const all = copies(db).where('strategy', '=', typeof of === 'string' ? of : of.strategy)
  const row = await (typeof of === 'string' ? all : all.where('series', '=', of.series))
    .where('corrupt', 'is', null)
    .where('is_foreign', '=', 0) // another installation's backups say nothing about whether ours are made
    .where('id', '!=', except ?? '')
    .where('created_at', '<=', until)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? fromRow(row) : null
}

/** The good copy in a place that was left alone for the longest time, of those not read since `before`; one counts as read when it
 * was written. One that could not be read has had its turn, too. */
export async function longestUnread(
  db: Read,
  among: { storage: string; strategies: readonly string[]; except: readonly string[]; before: number },
): Promise<Copy | null> {
  const mine = copies(db)
    .where('storage', '=', among.storage)
    .where('corrupt', 'is', null)
    .where('is_foreign', '=', 0) // its own installation looks after it
    .where('strategy', 'in', among.strategies)
    .where('id', 'not in', among.except)
    .orderBy(sql`coalesce(tried_at, read_at, created_at)`)
    .limit(1)
  const isDue = (row: { read_at: number | null; created_at: number } | undefined): boolean =>
    row !== undefined && (row.read_at ?? row.created_at) <= among.before
  const first = await mine.executeTakeFirst()
  // when the first is not due, only those are that were tried meanwhile
  const row = isDue(first) ? first : await mine.where('tried_at', 'is not', null).executeTakeFirst()
  return row && isDue(row) ? fromRow(row) : null
}

export async function totals(db: Read, strategy: string): Promise<{ backups: number; storedBytes: number }> {
  const row = await db
    .selectFrom('backups')
    .where('strategy', '=', strategy)
    .select((e) => [
      e.fn.count<number>('id').distinct().as('backups'),
      e.fn.sum<number | null>('stored_bytes').as('storedBytes'),
    ])
    .executeTakeFirst()
  return { backups: row?.backups ?? 0, storedBytes: row?.storedBytes ?? 0 }
}

function copies(db: Read) {
  return db
    .selectFrom('backups')
    .leftJoin('pins', 'pins.backup', 'backups.id')
    .selectAll('backups')
    .select(['pins.until as pin_until', 'pins.note as pin_note', 'pins.by as pin_by', 'pins.at as pin_at'])
}

interface PinColumns {
  pin_until: number | null
  pin_note: string | null
  pin_by: string | null
  pin_at: number | null
}

function fromRow(row: Selectable<BackupsTable> & PinColumns): Copy {
  const { pin_until: until, pin_note: note, pin_by: by, pin_at: at } = row
  return {
    id: row.id,
    storage: row.storage,
    strategy: row.strategy,
    series: row.series,
    createdAt: row.created_at,
    level: row.level as Level,
    corrupt: row.corrupt,
    foreign: row.is_foreign === 1,
    manifest: JSON.parse(row.manifest) as Manifest,
    pin: by === null || at === null ? null : pinOf({ until, note, by, at }),
    odd: row.odd === null ? [] : (JSON.parse(row.odd) as Oddity[]),
    readAt: row.read_at,
  }
}
