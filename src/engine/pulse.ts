import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/faults.ts'
import { formatDuration } from '../core/duration.ts'
import type { Progress, Stage } from '../core/model.ts'

/** What moves in a run right now: the stations report, the run's pulse watches for standstill. */
export interface Pulse {
  stage(stage: Stage): void
  /** Bytes of one mover so far, e.g. `upload:s3`. */
  moved(mover: string, bytes: number): void
  /** Bytes shown as progress. */
  current(): Progress
  /** Fires with Fault stalled when nothing moved for `stallMs`. */
  readonly stalled: AbortSignal
  stop(): void
}

const beatMs = 1_000

export interface PulseOptions {
  stallMs: number
  /** Stored size of the last good backup; null = unknown. */
  expectedBytes: number | null
  onBeat: (progress: Progress) => void
  /** Processor time that the run's programs have used so far, in any unit. */
  processorTicks: () => number
}

export function createPulse(clock: Clock, options: PulseOptions): Pulse {
  const movers = new Map<string, number>()
  const stalled = new AbortController()
  const ended = new AbortController()
  let stage: Stage = 'starting'
  let movedAt = clock.monotonic()
  let shown = 0
  let began: number | null = null

  function moved(mover: string, bytes: number): void {
    if (movers.get(mover) === bytes) return
    movers.set(mover, bytes)
    movedAt = clock.monotonic()
    began ??= movedAt
    if (mover === 'spool' || mover === 'fetch') shown = bytes
  }

  function current(): Progress {
    const elapsedMs = began === null ? 0 : clock.monotonic() - began
    const bytesPerSecond = elapsedMs < 500 ? null : Math.round((shown / elapsedMs) * 1000)
    const { expectedBytes } = options
    const left = expectedBytes === null ? null : Math.max(0, expectedBytes - shown)
    return {
      stage,
      bytes: shown,
      expectedBytes,
      bytesPerSecond,
      remainingMs: left !== null && bytesPerSecond ? Math.round((left / bytesPerSecond) * 1000) : null,
    }
  }

  /** Silent tools that compute (an integrity check) move too. While a server restores, its work cannot be seen from here:
   * building an index may take hours, and `timeout.restore` is there for it. */
  function standsStill(): boolean {
    const idleMs = clock.monotonic() - movedAt
    if (stage === 'restore' || stage === 'check') return false
    if (idleMs > options.stallMs / 2) moved('processor', options.processorTicks())
    return clock.monotonic() - movedAt > options.stallMs
  }

  async function beat(): Promise<void> {
    for (;;) {
      await clock.sleep(beatMs, ended.signal)
      options.onBeat(current())
      if (standsStill())
        stalled.abort(
          new Fault('stalled', `nothing moved for ${formatDuration(options.stallMs)} (at ${stage})`, {
            hint: 'look for locks in the database or a slow network; timeout.stall sets the limit',
          }),
        )
    }
  }
  void beat().catch(() => undefined) // ends by the `ended` signal only

  return {
    stage: (next) => {
      stage = next
      movedAt = clock.monotonic()
    },
    moved,
    current,
    stalled: stalled.signal,
    stop: () => ended.abort(new Error('pulse stopped')),
  }
}
