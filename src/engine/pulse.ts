import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/faults.ts'
import { formatDuration } from '../core/duration.ts'
import type { Progress, Stage } from '../core/model.ts'

/** What moves in a run right now: the stations report, the run's pulse watches for standstill. */
export interface Pulse {
  stage(stage: Stage): void
  /** From here on each place is watched on its own: that nothing moves is no longer the run's standstill. */
  rest(): void
  /** Bytes of one mover so far, e.g. `upload:s3`. */
  moved(mover: string, bytes: number): void
  /** Asked when nothing moves here: does somebody else, such as the database server, work for this run? null = nobody does. */
  watch(sign: (() => Promise<boolean>) | null): void
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
  let sign: (() => Promise<boolean>) | null = null
  let asking = false
  let stage: Stage = 'starting'
  let movedAt = clock.monotonic()
  let shown = 0
  let began: number | null = null
  let isResting = false

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

  /** Silent tools that compute (an integrity check) move too, and so does a server that builds an index for hours:
   * it is asked. One that waits for somebody else's lock stands still. */
  function standsStill(): boolean {
    const idleMs = clock.monotonic() - movedAt
    if (idleMs > options.stallMs / 2) {
      moved('processor', options.processorTicks())
      askForSign()
    }
    return !isResting && clock.monotonic() - movedAt > options.stallMs
  }

  function askForSign(): void {
    if (!sign || asking) return
    asking = true
    void sign()
      .then((works) => {
        if (works) movedAt = clock.monotonic()
      })
      .catch(() => undefined) // a server that cannot be asked shows no sign of life
      .finally(() => (asking = false))
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
    rest: () => void (isResting = true),
    moved,
    watch: (next) => void (sign = next),
    current,
    stalled: stalled.signal,
    stop: () => ended.abort(new Error('pulse stopped')),
  }
}
