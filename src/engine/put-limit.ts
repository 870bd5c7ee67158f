import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import type { Spool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'

/** Watches one upload into one place, so that a place that hangs ends its own upload and nobody else's. */
export interface PutLimit {
  /** Fires with Fault stalled or timed-out. */
  readonly signal: AbortSignal
  moved(bytes: number): void
  stop(): void
}

const lookMs = 1_000
const aheadBytes = 256 * 1024 * 1024 // a place that waits for a part to fill is not stuck; one that is so far behind is

/** @param whole  resolves when the dump has ended: an upload follows it and cannot be faster, so its limit counts from there */
export function limitPut(
  context: EngineContext,
  given: { strategy: Strategy; storage: string; spool: Spool; whole: Promise<void> },
): PutLimit {
  const { clock } = context
  const { strategy, storage, spool } = given
  const { stallMs, uploadMs } = strategy.timeout
  const limit = new AbortController()
  const over = new AbortController()
  let sent = 0
  let movedAt = clock.monotonic()

  async function isStuck(): Promise<boolean> {
    if (clock.monotonic() - movedAt <= stallMs) return false
    return spool.ended() || (await spool.size()) - sent > aheadBytes
  }

  async function watchStall(): Promise<void> {
    do await clock.sleep(Math.min(lookMs, stallMs), over.signal)
    while (!(await isStuck()))
    limit.abort(
      new Fault('stalled', `nothing moved to ${storage} for ${formatDuration(stallMs)}`, {
        hint: 'look at the network and the place; timeout.stall sets the limit',
      }),
    )
  }

  async function watchTotal(): Promise<void> {
    await given.whole
    await clock.sleep(uploadMs, over.signal)
    limit.abort(
      new Fault('timed-out', `the upload took longer than its limit of ${formatDuration(uploadMs)}`, {
        hint: 'raise timeout.upload, or leave it out to have no limit',
      }),
    )
  }

  const quietly = (): undefined => undefined // ended by `over` only
  void watchStall().catch(quietly)
  if (uploadMs > 0) void watchTotal().catch(quietly)
  return {
    signal: limit.signal,
    moved: (bytes) => {
      if (bytes !== sent) movedAt = clock.monotonic()
      sent = bytes
    },
    stop: () => over.abort(new Error('the upload has ended')),
  }
}
