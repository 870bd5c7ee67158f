import { faultTable } from '../core/faults.ts'
import { hasLostAll } from '../core/standing.ts'
import type { Health, StrategyView } from '../core/model.ts'
import type { EngineContext } from './context.ts'
import { isInPlace } from './marker.ts'
import type { Scheduler } from './scheduler.ts'

const recheckMs = 60_000 // connectivity is checked at most once a minute (product §8)
const stalledMs = 120_000 // eight missed passes of the scheduler

export interface HealthProbe {
  health(strategies: StrategyView[]): Promise<Health>
}

/** @param scheduler null in a process that does not schedule */
export function createHealth(context: EngineContext, scheduler: Scheduler | null): HealthProbe {
  let checkedAt = -Infinity
  let places: 'ok' | 'some' | 'none' = 'ok'
  let s3: Health['s3_connectivity'] = 'not_configured'
  let slack: Health['slack_connectivity'] = context.config.slack ? 'ok' : 'not_configured'

  async function recheck(): Promise<void> {
    if (context.clock.monotonic() - checkedAt < recheckMs) return
    checkedAt = context.clock.monotonic()
    const storages = [...context.storages.values()]
    const reachable = await Promise.all(
      storages.map((storage) => isInPlace(context, storage, AbortSignal.timeout(10_000)).catch(() => false)),
    )
    places = reachable.every(Boolean) ? 'ok' : reachable.some(Boolean) ? 'some' : 'none'
    const buckets = reachable.filter((_, index) => storages[index]!.kind === 's3')
    s3 = buckets.length === 0 ? 'not_configured' : buckets.every(Boolean) ? 'ok' : 'error'
    const notifier = (await context.notifiers()).find((candidate) => candidate.kind === 'slack')
    if (notifier) slack = (await notifier.check(AbortSignal.timeout(10_000))).ok ? 'ok' : 'error'
  }

  async function health(strategies: StrategyView[]): Promise<Health> {
    await recheck()
    const now = context.clock.now()
    const tick = scheduler?.lastTickAt() ?? null
    const stalled = scheduler !== null && (tick === null || now - tick > stalledMs)
    const troubled = strategies.some(
      (view) => view.overdueSince !== null || view.failuresInARow >= 2 || hasLostAll(view),
    )
    const status =
      stalled || places === 'none'
        ? 'unhealthy'
        : troubled || places === 'some' || slack === 'error'
          ? 'degraded'
          : 'healthy'
    return {
      status,
      timestamp: new Date(now).toISOString(),
      version: context.version,
      strategies: {
        total: strategies.length,
        last_backup_status: Object.fromEntries(strategies.map((view) => [view.name, lineOf(view)])),
      },
      s3_connectivity: s3,
      slack_connectivity: slack,
    }
  }
  return { health }
}

/** Why the last run failed is said in the table's words: a fault's own may name hosts, and this is for the network. */
function lineOf(view: StrategyView): Health['strategies']['last_backup_status'][string] {
  const state = view.lastRun?.state ?? (view.lastGood ? 'succeeded' : 'never') // `catalog sync` on an empty state
  const status = state === 'succeeded' ? 'success' : state === 'queued' ? 'running' : state
  const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
  return {
    status,
    last_run: iso(view.lastRun ? view.lastRun.startedAt : (view.lastGood?.createdAt ?? null)),
    next_run: view.paused ? null : iso(view.nextAt),
    ...(view.paused ? { paused: true as const } : {}),
    ...(view.lastRun?.fault ? { error: faultTable[view.lastRun.fault.code].means } : {}),
  }
}
