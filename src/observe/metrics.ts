import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { DrillVerdict } from '../core/drill.ts'
import type { Event } from '../core/events.ts'
import type { Figures } from '../core/figures.ts'
import { outcomes } from '../core/model.ts'

export interface MetricsParts {
  /** What happens; counted from the start of this process on. */
  watch(observer: (event: Event) => void): unknown
  /** What the state says, asked at each scrape. */
  figures(): Promise<Figures>
  version: string
}

/** Prometheus metrics. Counters begin at 0 with the process, as Prometheus expects; gauges come from state, so that they are
 * right at once after a restart. Labels hold names of the configuration only: no host, no secret (promise 14).
 * @returns what draws them in Prometheus' text format */
export function createMetrics(parts: MetricsParts): () => Promise<{ type: string; text: string }> {
  const registry = new Registry()
  const count = countersIn(registry)
  const fill = gaugesIn(registry)
  gauge(registry, 'build_info', 'Version of easy-backup; always 1', ['version']).set(
    { version: parts.version },
    1,
  )
  parts.watch((event) => count.observe(event))
  return async () => {
    const figures = await parts.figures()
    count.know(figures.strategies.map(({ name }) => name))
    fill(figures)
    return { type: registry.contentType, text: await registry.metrics() }
  }
}

const prefix = 'easy_backup_'
const durationBuckets = [1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200] // a second to half a day

interface Counting {
  observe(event: Event): void
  /** Begins the counters of these strategies at 0, so that their first failure is an increase. */
  know(strategies: string[]): void
}

function countersIn(registry: Registry): Counting {
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
    new Counter({ name: prefix + name, help, labelNames, registers: [registry] })
  const runs = counter('runs_total', 'Runs that ended, by outcome', ['strategy', 'kind', 'outcome'])
  const duration = new Histogram({
    name: `${prefix}run_duration_seconds`,
    help: 'How long runs took, from their start to their end',
    labelNames: ['strategy', 'kind'],
    buckets: durationBuckets,
    registers: [registry],
  })
  const retries = counter('run_retries_total', 'Attempts that failed and were made again', ['strategy'])
  const raw = counter('raw_bytes_total', 'Bytes dumped, before compression', ['strategy'])
  const stored = counter('stored_bytes_total', 'Bytes of backups stored, as stored', ['strategy'])
  const deleted = counter('retention_deletions_total', 'Backups that retention deleted, by place', [
    'strategy',
    'storage',
  ])
  const drills = counter('drills_total', 'Restore drills that came to a verdict', ['strategy', 'verdict'])
  const reread = counter('reread_bytes_total', 'Bytes of stored backups that were read again, by place', [
    'strategy',
    'storage',
  ])
  const skipped = counter('slots_skipped_total', 'Slots of the schedule that were skipped', ['strategy'])

  function observe(event: Event): void {
    switch (event.type) {
      case 'run.ended': {
        const { strategy, kind, outcome } = event
        runs.inc({ strategy, kind, outcome })
        duration.observe({ strategy, kind }, event.tookMs / 1000)
        return
      }
      case 'run.retried':
        return retries.inc({ strategy: event.strategy })
      case 'backup.stored':
        raw.inc({ strategy: event.strategy }, event.rawBytes ?? 0)
        return stored.inc({ strategy: event.strategy }, event.storedBytes)
      case 'drill.ended':
        return drills.inc({ strategy: event.strategy, verdict: event.verdict })
      case 'backup.deleted':
        return deleted.inc({ strategy: event.strategy, storage: event.storage })
      case 'copy.read':
        return reread.inc({ strategy: event.strategy, storage: event.storage }, event.bytes)
      case 'slot.skipped':
        return skipped.inc({ strategy: event.strategy })
      default:
    }
  }

  function know(strategies: string[]): void {
    for (const strategy of strategies) {
      for (const outcome of outcomes) runs.inc({ strategy, kind: 'backup', outcome }, 0)
      for (const verdict of verdicts) drills.inc({ strategy, verdict }, 0)
      for (const one of [retries, raw, stored, skipped]) one.inc({ strategy }, 0)
    }
  }
  return { observe, know }
}

function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Label[],
): Gauge<Label> {
  return new Gauge({ name: prefix + name, help, labelNames, registers: [registry] })
}

const verdicts: readonly DrillVerdict[] = ['pass', 'fail', 'inconclusive']

type OfStrategy = Figures['strategies'][number]
const seconds = (at: number | null): number | null => (at === null ? null : at / 1000)

/** Name → what it says, and the value; null is left out. */
const ofStrategies: Record<string, [help: string, value: (strategy: OfStrategy) => number | null]> = {
  last_success_timestamp_seconds: [
    'When the newest good backup was begun, as Unix time',
    ({ lastSuccessAt }) => seconds(lastSuccessAt),
  ],
  next_run_timestamp_seconds: [
    'When the next backup is due, as Unix time; absent for manual and paused',
    ({ nextAt }) => seconds(nextAt),
  ],
  overdue: ['1 while a new backup is missing', ({ isOverdue }) => Number(isOverdue)],
  paused: ['1 while a person has paused it', ({ isPaused }) => Number(isPaused)],
  failures_in_a_row: ['Backups that failed since the last good one', ({ failuresInARow }) => failuresInARow],
  backups: ['Backups held', ({ backups }) => backups],
  held_bytes: ['Bytes of all backups held, in all places', ({ heldBytes }) => heldBytes],
  last_backup_stored_bytes: [
    'Size of the newest good backup as stored',
    ({ lastStoredBytes }) => lastStoredBytes,
  ],
  last_backup_raw_bytes: [
    'Size of the newest good backup before compression',
    ({ lastRawBytes }) => lastRawBytes,
  ],
  last_proven_timestamp_seconds: [
    'When a whole backup was last restored and compared, as Unix time; absent while unproven',
    ({ lastProvenAt }) => seconds(lastProvenAt),
  ],
  drill_restore_seconds: [
    'How long the restore of the newest drill took: fetch, verify and restore',
    ({ restoreMs }) => seconds(restoreMs),
  ],
  next_drill_timestamp_seconds: [
    'When the next drill is due, as Unix time; absent when none is',
    ({ nextDrillAt }) => seconds(nextDrillAt),
  ],
  suspicious: [
    '1 while the newest backup is good and not as usual, and nobody has acknowledged it',
    ({ isOdd }) => Number(isOdd),
  ],
  broken_copies: ['Stored copies that were found corrupted', ({ brokenCopies }) => brokenCopies],
  all_read_timestamp_seconds: [
    'Every good stored copy was written or read again since then, as Unix time',
    ({ allReadSince }) => seconds(allReadSince),
  ],
}

function gaugesIn(registry: Registry): (figures: Figures) => void {
  const each = Object.entries(ofStrategies).map(([name, [help, value]]) => ({
    shown: gauge(registry, name, help, ['strategy']),
    value,
  }))
  const verdict = gauge(registry, 'drill_last_verdict', '1 for what the newest drill found, else 0', [
    'strategy',
    'verdict',
  ])
  const queue = gauge(registry, 'queue_runs', 'Runs that wait or run', ['kind', 'state'])
  const owed = gauge(registry, 'messages_owed', 'Messages that were not delivered yet', ['notifier'])
  const off = gauge(registry, 'notifier_off', '1 while a notifier is switched off because it cannot work', [
    'notifier',
  ])
  const incidents = gauge(
    registry,
    'incidents_open',
    'Incidents that go on: series, place, shared, drill, odd',
    ['kind'],
  )
  return (figures) => {
    for (const { shown, value } of each) {
      shown.reset() // strategies come and go with the configuration
      for (const strategy of figures.strategies) {
        const at = value(strategy)
        if (at !== null) shown.set({ strategy: strategy.name }, at)
      }
    }
    verdict.reset()
    for (const { name: strategy, lastVerdict } of figures.strategies)
      if (lastVerdict !== null)
        for (const one of verdicts) verdict.set({ strategy, verdict: one }, Number(one === lastVerdict))
    queue.reset()
    for (const state of ['queued', 'running'] as const) queue.set({ kind: 'backup', state }, 0)
    for (const { kind, state, runs } of figures.queue) queue.set({ kind, state }, runs)
    owed.reset()
    off.reset()
    for (const { notifier, messages, isOff = false } of figures.owed) {
      owed.set({ notifier }, messages)
      off.set({ notifier }, Number(isOff))
    }
    for (const { kind, open } of figures.incidents) incidents.set({ kind }, open)
  }
}
