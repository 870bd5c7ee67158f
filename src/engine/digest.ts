import { some, type DigestSize, type DigestTrouble, type DigestView } from '../core/digest.ts'
import { outcomes, strategyOfRequest, type Outcome, type StrategyView } from '../core/model.ts'
import { isDecidable } from '../core/request-states.ts'
import { previousSlot } from '../core/schedule.ts'
import { hasLostAll } from '../core/standing.ts'
import { drillsEnded } from '../state/drill-standing.ts'
import { endedRuns, missedSlots, placesUsed, sizeBefore } from '../state/digest.ts'
import { rereadIn } from '../state/reads.ts'
import { openRequests } from '../state/requests.ts'
import type { EngineContext } from './context.ts'
import { othersFirst, strategyViews } from './views.ts'

/** More of each nobody reads in a message. */
const room = { attention: 10, named: 6, proofs: 4, sizes: 5, next: 3 }
const trendPeriods = 8

export interface Period {
  since: number
  until: number
}

/** What happened in a period, and how things stand now. Reads state only.
 * @param among  of these strategies alone; null = all */
export async function composeDigest(
  context: EngineContext,
  period: Period,
  among: readonly string[] | null = null,
): Promise<DigestView> {
  const { clock, config, database } = context
  const strategies = config.strategies.filter(({ name }) => among?.includes(name) ?? true)
  const names = strategies.map(({ name }) => name)
  const views = await strategyViews(context, strategies)
  const ended = (await endedRuns(database.read, period)).filter(({ strategy }) => names.includes(strategy))
  const troubles = views.flatMap(troubleOf).toSorted((a, b) => rankOf(a) - rankOf(b))
  const sizes = await sizesOf(context, views, period)
  return {
    sinceAt: period.since,
    untilAt: period.until,
    timezone: config.digest?.timezone ?? config.strategies[0]?.timezone ?? 'UTC',
    madeAt: clock.now(),
    strategies: names.length,
    runs: countsOf(ended),
    missed: await missedSlots(database.read, names, period),
    attention: some(troubles, room.attention),
    recovered: some(recoveredOf(ended, troubles), room.named),
    paused: some(pausedOf(views), room.named),
    ...proofsOf(views),
    drills: await drillsEnded(database.read, names, period),
    reread: await rereadIn(database.read, names, period),
    sizes: some(sizes, room.sizes),
    trend: await trendOf(context, names, period),
    places: await placesUsed(database.read, among),
    next: some(nextOf(views), room.next),
    requests: await waiting(context, names),
  }
}

/** The period that goes on: since the time the last digest was due, or a week without digests. */
export function currentPeriod({ config, clock }: EngineContext): Period {
  const until = clock.now()
  const { digest } = config
  const begun = digest && previousSlot(digest.schedule, digest.timezone, until)
  return { since: begun ?? until - weekMs, until }
}

const weekMs = 7 * 24 * 3600_000

type Ended = Awaited<ReturnType<typeof endedRuns>>

function countsOf(ended: Ended): Record<Outcome, number> {
  const counted = (wanted: Outcome): number =>
    ended.filter(({ outcome }) => outcome === wanted).reduce((sum, { count }) => sum + count, 0)
  return Object.fromEntries(outcomes.map((outcome) => [outcome, counted(outcome)])) as Record<Outcome, number>
}

const worstFirst: readonly DigestTrouble['state'][] = [
  'lost',
  'overdue',
  'failed',
  'unrestorable',
  'interrupted',
  'degraded',
  'odd',
]

const rankOf = ({ state }: DigestTrouble): number => worstFirst.indexOf(state)

function troubleOf(view: StrategyView): DigestTrouble[] {
  const { name, failuresInARow, lastGood } = view
  const state = troubleIn(view)
  return state === null
    ? []
    : [
        {
          strategy: name,
          state,
          failuresInARow,
          why: whyOf(view, state),
          lastGoodAt: lastGood?.createdAt ?? null,
        },
      ]
}

function troubleIn(view: StrategyView): DigestTrouble['state'] | null {
  const { lastRun, overdueSince, drills } = view
  if (hasLostAll(view)) return 'lost'
  if (overdueSince !== null) return 'overdue'
  const ended = worstFirst.find((state) => state === lastRun?.state)
  if (drills?.last?.verdict === 'fail' && ended !== 'failed') return 'unrestorable'
  return ended ?? (view.odd ? 'odd' : null)
}

function whyOf({ lastRun, drills, odd }: StrategyView, state: DigestTrouble['state']): string | null {
  if (state === 'unrestorable') return drills?.last?.why ?? null
  if (state === 'odd') return odd?.why ?? null
  return state === 'lost' ? null : (lastRun?.fault?.text ?? null)
}

function recoveredOf(ended: Ended, troubles: DigestTrouble[]): { strategy: string; failed: number }[] {
  const bad = new Set(troubles.map(({ strategy }) => strategy))
  return ended
    .filter(({ strategy, outcome }) => outcome === 'failed' && !bad.has(strategy))
    .map(({ strategy, count }) => ({ strategy, failed: count }))
    .toSorted((a, b) => b.failed - a.failed)
}

function pausedOf(views: StrategyView[]): { strategy: string; until: number | null }[] {
  return views.flatMap(({ name, paused }) => (paused ? [{ strategy: name, until: paused.until }] : []))
}

/** A backup that was never restored is unproven, and that is said. */
function proofsOf(views: StrategyView[]): Pick<DigestView, 'proven' | 'oldestProof' | 'proofs' | 'unproven'> {
  const proofs = views
    .flatMap(({ name, proven }) =>
      proven ? [{ strategy: name, at: proven.at, restoreMs: proven.restoreMs ?? null }] : [],
    )
    .toSorted((a, b) => a.at - b.at)
  const unproven = views
    .filter(({ proven, backups, drills }) => !proven && backups > 0 && drills?.last?.verdict !== 'fail')
    .map(({ name }) => name)
  const [oldest] = proofs
  return {
    proven: proofs.length,
    oldestProof: oldest ? { strategy: oldest.strategy, at: oldest.at } : null,
    proofs: some(proofs, room.proofs),
    unproven: some(unproven, room.named),
  }
}

/** The newest backups against the newest before the period. */
async function sizesOf(
  context: EngineContext,
  views: StrategyView[],
  { since }: Period,
): Promise<DigestSize[]> {
  const sizes: DigestSize[] = []
  for (const { name, lastGood } of views) {
    if (!lastGood) continue
    const before = await sizeBefore(context.database.read, name, since)
    const bytes = lastGood.storedBytes
    sizes.push({ strategy: name, bytes, change: before ? bytes / before - 1 : null })
  }
  const moved = ({ change }: DigestSize): number => Math.abs(change ?? 0)
  return sizes.toSorted((a, b) => moved(b) - moved(a) || b.bytes - a.bytes)
}

async function trendOf(
  context: EngineContext,
  names: readonly string[],
  period: Period,
): Promise<DigestView['trend']> {
  const points: DigestView['trend'] = []
  for (const at of endsOf(context, period)) {
    await othersFirst()
    let bytes = 0
    for (const name of names) bytes += (await sizeBefore(context.database.read, name, at)) ?? 0
    if (bytes > 0 || points.length > 0) points.push({ at, bytes })
  }
  return points
}

/** Ends of the last periods, oldest first; without a schedule, periods as long as this one. */
function endsOf({ config }: EngineContext, { since, until }: Period): number[] {
  const { digest } = config
  const ends = [until, since]
  while (ends.length < trendPeriods) {
    const last = ends.at(-1)!
    const before = digest && previousSlot(digest.schedule, digest.timezone, last - 1)
    ends.push(before ?? last - (until - since))
  }
  return ends.toReversed()
}

async function waiting(context: EngineContext, names: readonly string[]): Promise<number> {
  const open = await openRequests(context.database.read)
  return open.filter(({ view }) => isDecidable(view.state) && names.includes(strategyOfRequest(view))).length
}

function nextOf(views: StrategyView[]): { strategy: string; at: number }[] {
  return views
    .flatMap(({ name, nextAt }) => (nextAt === null ? [] : [{ strategy: name, at: nextAt }]))
    .toSorted((a, b) => a.at - b.at)
}
