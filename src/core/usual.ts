import type { TableRows } from './model.ts'

/** What of a backup is compared with the ones before it. */
export interface Measures {
  storedBytes: number
  /** From the first byte dumped to the last one stored. */
  tookMs: number
  /** null: not counted. */
  rows: number | null
}

/** Shares by which a backup may differ from what is usual, e.g. 0.5; null: that is not looked at. */
export interface UsualLimits {
  size: number | null
  rows: number | null
  duration: number | null
}

/** What of a good backup is not as usual; `usual` is the median of the good ones before it.
 * table: one that always had rows has none now, or is gone (`now` null). */
export type Oddity =
  | { of: 'size' | 'rows' | 'duration'; now: number; usual: number }
  | { of: 'table'; table: string; now: 0 | null; usual: number }

/** So many good ones before it count; of fewer than `leastBefore` nobody knows what is usual. */
export const mostBefore = 10
export const leastBefore = 5

/** Differences that are worth nobody's time, whatever their share: small databases double and halve. */
export const floors = { size: 1_000_000, rows: 500, duration: 10 * 60_000, table: 10 } as const

/** Nothing can shrink by more than all of it: a limit of 100 % or more is meant for growth. */
const mostLost = 0.9

/** Compares a good backup with those of the same kind before it. Pure.
 * Larger and smaller count alike, but for the duration: what was quick is no trouble of its own.
 * @param before  any number, newest first */
export function oddities(now: Measures, before: readonly Measures[], limits: UsualLimits): Oddity[] {
  const known = before.slice(0, mostBefore)
  const counted = known.flatMap(({ rows }) => (rows === null ? [] : [rows]))
  const found: (Oddity | null)[] = [
    judge('size', now.storedBytes, { before: known.map((one) => one.storedBytes), limit: limits.size }),
    now.rows === null ? null : judge('rows', now.rows, { before: counted, limit: limits.rows }),
    judge('duration', now.tookMs, { before: known.map((one) => one.tookMs), limit: limits.duration }),
  ]
  return found.filter((oddity) => oddity !== null)
}

function judge(
  of: 'size' | 'rows' | 'duration',
  now: number,
  { before, limit }: { before: readonly number[]; limit: number | null },
): Oddity | null {
  if (limit === null || before.length < leastBefore) return null
  const usual = median(before)
  return isFar(of, { now, usual, limit }) ? { of, now, usual } : null
}

function isFar(
  of: 'size' | 'rows' | 'duration',
  { now, usual, limit }: { now: number; usual: number; limit: number },
): boolean {
  const isLess = now < usual
  if (isLess && of === 'duration') return false
  const difference = Math.abs(now - usual)
  return difference > usual * (isLess ? Math.min(limit, mostLost) : limit) && difference >= floors[of]
}

/** Tables that always had rows, some of the usual ones, and have none now. One that is empty now and then is no news, and one that
 * has been empty for half of the time is usual.
 * @param before  newest first; those whose tables are not known are left out */
export function emptiedTables(
  now: readonly TableRows[] | null,
  before: readonly (readonly TableRows[] | null)[],
): Oddity[] {
  const known = before.filter((tables) => tables !== null).slice(0, mostBefore)
  if (now === null || known.length < leastBefore) return []
  const rowsNow = new Map(now.map(({ name, rows }) => [name, rows]))
  const earlier = known.map((tables) => new Map(tables.map(({ name, rows }) => [name, rows])))
  const names = [...new Set(known.flatMap((tables) => tables.map(({ name }) => name)))]
  return names.flatMap((table): Oddity[] => {
    const has = rowsNow.get(table) ?? null
    const rows = earlier.map((tables) => tables.get(table) ?? 0)
    if ((has !== null && has > 0) || !hadAlways(rows)) return []
    return [{ of: 'table', table, now: has === null ? null : 0, usual: median(rows) }]
  })
}

/** Before it became empty; @param rows newest first */
function hadAlways(rows: readonly number[]): boolean {
  const first = rows.findIndex((count) => count > 0)
  return first !== -1 && rows.slice(first).every((count) => count > 0) && median(rows) >= floors.table
}

/** Those that are still odd beside a backup that somebody looked at and found right.
 * @param accepted  what was odd of it */
export function unlike(found: readonly Oddity[], accepted: readonly Oddity[], limits: UsualLimits): Oddity[] {
  return found.filter((oddity) => {
    if (oddity.of === 'table')
      return !accepted.some((one) => one.of === 'table' && one.table === oddity.table)
    const known = accepted.find((one) => one.of === oddity.of)
    const limit = limits[oddity.of]
    if (!known || known.now === null || limit === null) return true
    return isFar(oddity.of, { now: oddity.now, usual: known.now, limit })
  })
}

/** @param values  at least one; of an even number the middle of the two */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** e.g. −0.71 = 71 % less than usual; null when nothing was usual. */
export function changeOf({ now, usual }: Oddity): number | null {
  return usual === 0 ? null : (now ?? 0) / usual - 1
}
