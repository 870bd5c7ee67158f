import type { Retention, Strategy } from './config.ts'
import { formatDuration } from './duration.ts'
import type { Pin } from './model.ts'
import { goneFreeze, goneSince, type Gone } from './retention/gone.ts'
import { calendarText, hasCalendar, heldByCalendar, spellAge } from './retention/rules.ts'

/** A backup of one series in one storage, as retention sees it. */
export interface Candidate {
  id: string
  createdAt: number
  /** Nothing is known against it, and it is there. */
  good: boolean
  /** Written by another installation: never ours to delete. */
  foreign: boolean
  /** The newest word about it, also one that has ended. */
  pin?: Pin | null
}

/** What decided: the same for everything that has the same kind of reason. */
export type Ground =
  | 'no-policy'
  | 'foreign'
  | 'pinned'
  | 'frozen'
  | 'newest'
  | 'min-keep'
  | 'calendar'
  | 'young'
  | 'old'
  | 'not-in-calendar'
  | 'gone'

export interface Judgement {
  id: string
  keep: boolean
  ground: Ground
  /** Why, as people read it after "kept: " or "goes: ". */
  reason: string
}

export interface Circumstances {
  now: number
  /** The strategy's zone: its days and weeks are meant. */
  timezone: string
  /** The schedule's interval; null for `manual`, which cannot be late. */
  intervalMs: number | null
  /** The listing of the storage is complete and current. */
  listed: boolean
  /** Why people hold it back; absent or null: they do not. */
  held?: string | null
  /** Its database is gone; absent or null: it is there. */
  gone?: Gone | null
}

/** Decides which backups of one series in one storage may go. Pure: the same input gives the same answer (promise 5).
 *
 * Without a policy, and with one that has neither an age nor calendar rules, nothing goes. With an age alone what is older goes; with
 * calendar rules what none of them holds; with both, also what is held and older. A backup that is not good never counts: it takes
 * no place of a good one, and goes when a good one in its place would.
 * Never: the newest good one, the `minKeep` newest good ones, pinned ones, those of another installation, anything while frozen.
 * Of a database that is gone everything stays as it is, until `keepGoneMs` is over: then all of it goes, the newest good one too.
 * @returns one judgement per candidate, in the same order */
export function judge(
  candidates: readonly Candidate[],
  policy: Retention | null,
  circumstances: Circumstances,
): Judgement[] {
  const frozen = freezeReason(candidates, policy, circumstances)
  return decide(candidates, policy, { ...circumstances, frozen })
}

/** Why nothing may be deleted now; null when nothing is odd: what looks old may be all there is. */
export function freezeReason(
  candidates: readonly Candidate[],
  policy: Retention | null,
  { now, intervalMs, listed, held, gone }: Circumstances,
): string | null {
  if (held) return held
  if (!listed) return 'frozen: the storage could not be listed completely'
  const ours = candidates.filter(({ foreign }) => !foreign)
  if (gone) {
    const { keepGoneMs } = policy ?? {} // nothing new is expected, and what there is has a time of its own
    return typeof keepGoneMs === 'number'
      ? goneFreeze(gone, { now, newest: newestOf(ours), intervalMs, keepGoneMs })
      : null
  }
  const newestGood = newestOf(ours.filter(({ good }) => good))
  if (newestGood === null) return 'frozen: there is no good backup'
  if (newestOf(ours)! > now) return 'frozen: the clock is before the newest backup'
  if (intervalMs !== null && now - newestGood > 2 * intervalMs)
    return 'frozen: the newest good backup is older than twice the schedule'
  return null
}

/** What would go if nothing were frozen: only then is a freeze worth a word. */
export function heldBack(
  candidates: readonly Candidate[],
  policy: Retention | null,
  circumstances: Circumstances,
): Judgement[] {
  return decide(candidates, policy, { ...circumstances, frozen: null }).filter(({ keep }) => !keep)
}

/** The newest good ones that stay whatever their age. */
export function floorOf(candidates: readonly Candidate[], policy: Retention | null): Candidate[] {
  return newestFirst(candidates)
    .filter(({ good }) => good)
    .slice(0, Math.max(1, policy?.minKeep ?? 1))
}

export function isPinned(pin: Pin | null | undefined, now: number): pin is Pin {
  return pin !== null && pin !== undefined && (pin.until === null || pin.until > now)
}

/** The pin that holds a backup now, if one does. */
export function activePin(pin: Pin | null | undefined, now: number): Pin | null {
  return isPinned(pin, now) ? pin : null
}

/** A judgement as one line: "kept: newest of week 2026-W47 (weekly 3 of 4)". */
export function sayJudgement({ keep, reason }: Pick<Judgement, 'keep' | 'reason'>): string {
  return `${keep ? 'kept' : 'goes'}: ${reason}`
}

/** The policy that counts in one place. */
export function retentionIn(
  { retention, placeRetention }: Pick<Strategy, 'retention' | 'placeRetention'>,
  storage: string,
): Retention | null {
  return placeRetention[storage] ?? retention
}

/** What the policies of the places that hold a backup say about its end, not knowing the others of its series.
 * @returns `until` null when no instant can be named: then `by` says which calendar rules decide, or is null when nothing deletes it */
export function keptFor(
  policies: readonly (Retention | null)[],
  createdAt: number,
): { until: number | null; by: string | null } {
  const deleting = policies.filter((policy) => policy !== null).filter(deletes)
  if (deleting.length < policies.length || deleting.length === 0) return { until: null, by: null }
  const calendar = deleting.find(hasCalendar)
  if (calendar) return { until: null, by: calendar.text }
  return { until: Math.max(...deleting.map(({ maxAgeMs }) => createdAt + maxAgeMs!)), by: null }
}

function deletes(policy: Retention): boolean {
  return policy.maxAgeMs !== null || hasCalendar(policy)
}

function decide(
  candidates: readonly Candidate[],
  policy: Retention | null,
  circumstances: Circumstances & { frozen: string | null },
): Judgement[] {
  const { now, timezone, frozen } = circumstances
  const ours = newestFirst(candidates)
  const floor = new Set(floorOf(candidates, policy).map(({ id }) => id))
  const newest = ours.find(({ good }) => good)
  const held = policy && heldByCalendar(ours, policy, timezone)
  return candidates.map((candidate) => {
    const { keep, ground, reason } = judgeOne(candidate)
    const remark = candidate.good || candidate.foreign ? '' : 'not good, so it does not count; '
    return { id: candidate.id, keep, ground, reason: remark + reason }
  })

  function judgeOne({ id, createdAt, foreign, pin }: Candidate): Omit<Judgement, 'id'> {
    if (policy === null) return kept('no-policy', 'no retention is configured: nothing is deleted')
    const gone = ofGone(policy, circumstances, ours[0]?.createdAt ?? null)
    if (!gone && !deletes(policy))
      return kept('no-policy', 'neither an age nor a calendar rule: nothing is deleted')
    if (foreign) return kept('foreign', 'another installation wrote it')
    if (isPinned(pin, now)) return kept('pinned', pinReason(pin, timezone))
    if (gone?.keep) return gone
    if (frozen !== null) return kept('frozen', frozen)
    if (gone) return gone
    if (id === newest?.id) return kept('newest', 'the newest good backup')
    if (floor.has(id)) return kept('min-keep', `one of the ${policy.minKeep} newest (min_keep)`)
    const ageMs = now - createdAt
    if (policy.maxAgeMs !== null && ageMs > policy.maxAgeMs)
      return {
        keep: false,
        ground: 'old',
        reason: `older than ${spellAge(policy.maxAgeMs)} (${ageText(ageMs)})`,
      }
    if (!hasCalendar(policy)) return kept('young', `younger than ${policy.text}`)
    const buckets = held?.get(id)
    if (buckets) return kept('calendar', buckets.join(', '))
    return { keep: false, ground: 'not-in-calendar', reason: `not one of ${calendarText(policy)}` }
  }
}

/** What holds for all backups of a database that the server no longer has; null: it has it. */
function ofGone(
  { keepGoneMs }: Retention,
  { gone, now, timezone }: Circumstances,
  newest: number | null,
): Omit<Judgement, 'id'> | null {
  if (!gone) return null
  const from = goneSince(gone, newest)
  const since = `its database is gone since ${dayText(from, timezone)}`
  if (keepGoneMs === undefined || keepGoneMs === null)
    return kept('gone', `${since}, and no keep_gone is set`)
  if (now - from <= keepGoneMs)
    return kept('gone', `${since}: kept until ${dayText(from + keepGoneMs, timezone)}`)
  return { keep: false, ground: 'gone', reason: `${since}, longer than keep_gone ${spellAge(keepGoneMs)}` }
}

function kept(ground: Ground, reason: string): Omit<Judgement, 'id'> {
  return { keep: true, ground, reason }
}

/** Ours only. Of two at the same instant the one with the later id counts as newer, so that the answer never depends on the order. */
function newestFirst(candidates: readonly Candidate[]): Candidate[] {
  return candidates
    .filter(({ foreign }) => !foreign)
    .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
}

function newestOf(candidates: readonly Candidate[]): number | null {
  return candidates.reduce<number | null>(
    (newest, { createdAt }) => (newest === null || createdAt > newest ? createdAt : newest),
    null,
  )
}

/** "pinned until 1 Jan 2027 by U123 — before 2.14" */
export function pinReason({ until, by, note }: Pin, timezone: string): string {
  const end = until === null ? '' : ` until ${dayText(until, timezone)}`
  return `pinned${end} by ${by.id}${note === null ? '' : ` — ${note}`}`
}

function dayText(at: number, timezone: string): string {
  const format = { day: 'numeric', month: 'short', year: 'numeric', timeZone: timezone } as const
  return new Intl.DateTimeFormat('en-GB', format).format(at)
}

const dayMs = 86_400_000

/** Whole days say enough of what is older than one. */
function ageText(ms: number): string {
  return formatDuration(ms < dayMs ? ms : ms - (ms % dayMs))
}
