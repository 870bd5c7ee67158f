import { sql, type Selectable } from 'kysely'
import type { Read, Write } from './database.ts'
import type { SeriesTable } from './tables.ts'

/** One series of a strategy. */
export interface SeriesRef {
  strategy: string
  series: string
}

/** One database of a whole server, or what belongs to the server itself. */
export interface KnownSeries {
  name: string
  globals: boolean
  /** When it was first listed; again when it came back. */
  seenAt: number
  /** When it was first missing; null: the newest list has it. */
  goneAt: number | null
}

/** By name; empty for a strategy of one database, and before the first list. */
export async function listedSeries(db: Read, strategy: string): Promise<KnownSeries[]> {
  const rows = await db
    .selectFrom('series')
    .selectAll()
    .where('strategy', '=', strategy)
    .orderBy('name')
    .execute()
  return rows.map(fromRow)
}

/** When it was first missing; null: it is there, or nobody ever listed it. */
export async function goneAt(db: Read, strategy: string, name: string): Promise<number | null> {
  const row = await db
    .selectFrom('series')
    .select('gone_at')
    .where('strategy', '=', strategy)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.gone_at ?? null
}

export interface SeriesNews {
  /** Listed for the first time although others were before, again after they were gone, or what was the roles is a database now. */
  appeared: string[]
  /** Missing for the first time. */
  vanished: string[]
}

/** Takes over a list of what the server has. Series of which only backups are known count as known.
 * @returns what is different from the list before; a first list has no news */
export async function noteSeries(
  tx: Write,
  strategy: string,
  { listed, now }: { listed: readonly { name: string; globals: boolean }[]; now: number },
): Promise<SeriesNews> {
  const known = new Map((await listedSeries(tx, strategy)).map((one) => [one.name, one]))
  const isFirst = known.size === 0
  const there = new Set(listed.map(({ name }) => name))
  const news: SeriesNews = { appeared: [], vanished: [] }
  for (const { name, globals } of listed) {
    const before = known.get(name)
    if (before && before.goneAt === null && before.globals === globals) continue
    const row = { strategy, name, is_globals: Number(globals), seen_at: now, gone_at: null }
    await tx
      .insertInto('series')
      .values(row)
      .onConflict((conflict) => conflict.columns(['strategy', 'name']).doUpdateSet(row))
      .execute()
    if (!isFirst) news.appeared.push(name)
  }
  for (const name of [...known.keys(), ...(await backedUp(tx, strategy))]) {
    const before = known.get(name)
    if (there.has(name) || (before && before.goneAt !== null) || news.vanished.includes(name)) continue
    const row = { strategy, name, is_globals: Number(before?.globals ?? false), seen_at: now, gone_at: now }
    await tx
      .insertInto('series')
      .values(row)
      .onConflict((conflict) => conflict.columns(['strategy', 'name']).doUpdateSet({ gone_at: now }))
      .execute()
    news.vanished.push(name)
  }
  return news
}

async function backedUp(db: Read, strategy: string): Promise<string[]> {
  const rows = await db
    .selectFrom('backups')
    .select('series')
    .distinct()
    .where('strategy', '=', strategy)
    .where('is_foreign', '=', 0)
    .execute()
  return rows.map(({ series }) => series)
}

/** Seen to be gone outside of a list: the server said so when it was to be backed up. */
export async function noteGone(tx: Write, { strategy, series }: SeriesRef, now: number): Promise<void> {
  await tx
    .updateTable('series')
    .set({ gone_at: now })
    .where('strategy', '=', strategy)
    .where('name', '=', series)
    .where('gone_at', 'is', null)
    .execute()
}

/** What a user who does not see every database cannot tell to be gone: what was listed or backed up before. Of databases only. */
export async function seriesBefore(db: Read, strategy: string): Promise<string[]> {
  const listed = await listedSeries(db, strategy)
  const there = listed.filter(({ globals, goneAt: at }) => !globals && at === null).map(({ name }) => name)
  const stored = await backedUp(db, strategy)
  return [...there, ...stored.filter((name) => !listed.some((one) => one.name === name))]
}

/** Every series that the catalogue has backups of, whoever wrote them; by name. */
export async function storedSeries(db: Read, strategy: string): Promise<string[]> {
  const rows = await db
    .selectFrom('backups')
    .select('series')
    .distinct()
    .where('strategy', '=', strategy)
    .orderBy('series')
    .execute()
  return rows.map(({ series }) => series)
}

/** How many runs of this kind failed since the last good one, newest first. */
export async function failuresInARow(db: Read, of: string | SeriesRef): Promise<number> {
  // `+state`: by the index on (strategy, kind, seq), from the newest on; the one on states would sort all that ended well
  const strategy = typeof of === 'string' ? of : of.strategy
  const all = db.selectFrom('runs').where('strategy', '=', strategy).where('kind', '=', 'backup')
  const backups = typeof of === 'string' ? all : all.where('series', '=', of.series)
  const good = await backups
    .select('seq')
    .where(sql<string>`+state`, 'in', ['succeeded', 'degraded'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const failed = await backups
    .select((e) => e.fn.countAll<number>().as('count'))
    .where(sql<string>`+state`, '=', 'failed')
    .where('seq', '>', good?.seq ?? 0)
    .executeTakeFirstOrThrow()
  return failed.count
}

/** Of a whole server: how often in a row the backups of each series failed that is there and whose newest one did. `''`: the list of
 * its databases, while no run since then got as far as a good backup. */
export async function failingSeries(db: Read, strategy: string): Promise<Map<string, number>> {
  const good = sql<string>`SELECT coalesce(max(g.seq), 0) FROM runs g
    WHERE g.strategy = r.strategy AND g.kind = 'backup' AND g.state IN ('succeeded', 'degraded') AND (r.series = '' OR g.series = r.series)`
  const rows = await db
    .selectFrom('runs as r')
    .select((e) => ['r.series', e.fn.countAll<number>().as('count')])
    .where('r.strategy', '=', strategy)
    .where('r.kind', '=', 'backup')
    .where('r.state', '=', 'failed')
    .where('r.seq', '>', sql<number>`(${good})`)
    .groupBy('r.series')
    .execute()
  const gone = new Set(
    (await listedSeries(db, strategy)).filter((one) => one.goneAt !== null).map(({ name }) => name),
  )
  return new Map(rows.filter(({ series }) => !gone.has(series)).map(({ series, count }) => [series, count]))
}

function fromRow({ name, is_globals, seen_at, gone_at }: Selectable<SeriesTable>): KnownSeries {
  return { name, globals: is_globals === 1, seenAt: seen_at, goneAt: gone_at }
}
