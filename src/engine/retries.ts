import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { Run } from '../state/runs.ts'
import type { EngineContext } from './context.ts'
import { dropOldestKept, KeptFault } from './kept.ts'
import { change } from './progress.ts'
import { pruneAll } from './prune.ts'
import { tellNotice } from './tell.ts'
import { asDiskFault, TempFull } from './temp-room.ts'
import type { WorkResult } from './work.ts'

export interface Tries {
  strategy: Strategy
  /** One attempt, by its number from 1. */
  attempt: (number: number) => Promise<WorkResult>
  cancel: AbortSignal
}

/** Tries again what can succeed later, with growing pauses. @throws Fault of the last attempt · the signal's reason */
export async function withRetries(
  context: EngineContext,
  run: Run,
  { strategy, attempt: tryOnce, cancel }: Tries,
): Promise<WorkResult> {
  let proofsFailed = 0
  let attempt = 1
  const makeAnyRoom = roomFor(context, { run, strategy }, cancel)
  for (;;) {
    try {
      return await tryOnce(attempt)
    } catch (error) {
      if (error instanceof KeptFault) throw error // its dump is good: each place was tried as often as `retry` says
      const fault = asFault(asDiskFault(error, { tempDir: context.config.tempDir, kind: run.kind }))
      if (fault.code === 'proof-failed') proofsFailed++
      cancel.throwIfAborted()
      if (fault.code === 'disk-full' && (await makeAnyRoom(fault))) continue
      if (!mayRetry(fault, attempt, run.maxAttempts, proofsFailed)) throw fault
      const delayMs = backoff(strategy, attempt, context.clock.random())
      context.logs.append(
        run.id,
        `attempt ${attempt} of ${run.maxAttempts} failed: ${fault.message}; the next one starts in ${formatDuration(delayMs)}`,
      )
      context.bus.emit({
        type: 'run.retried',
        run: run.id,
        strategy: run.strategy,
        attempt,
        code: fault.code,
        delayMs,
      })
      await change(context, run.id, { attempt: ++attempt, stage: 'waiting', progress: null })
      await context.clock.sleep(delayMs, cancel)
    }
  }
}

/** When temp_dir is full the kept dumps give way, one for each further try: any of them may be the only dump of its database.
 * Of a disk that holds backups too, what retention lets go, once.
 * @returns tells whether anything went */
function roomFor(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy },
  signal: AbortSignal,
): (fault: Fault) => Promise<boolean> {
  let wasPruned = false
  return async (fault) => {
    if (fault instanceof TempFull && (await dropOldestKept(context))) {
      context.logs.append(run.id, 'temp_dir is full: the oldest kept dump was deleted, trying once more')
      return true
    }
    if (wasPruned) return false
    wasPruned = true
    return makeRoom(context, { run, strategy }, signal)
  }
}

/** A full disk: what retention lets go anyway goes now, and the backup is tried once more. @returns whether anything went */
export async function makeRoom(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy },
  signal: AbortSignal,
): Promise<boolean> {
  if (run.kind !== 'backup') return false
  const deleted = await pruneAll(context, strategy, signal).catch((error: unknown) => {
    context.log.warn('no room could be made', { run: run.id, error: asFault(error).message })
    return 0
  })
  if (deleted === 0) return false
  const words = `the disk is full: ${deleted} old backups were deleted, trying once more`
  context.logs.append(run.id, words)
  await context.database.write((tx) =>
    tellNotice(context, tx, {
      key: `disk-full/${run.id}`,
      strategy: strategy.name,
      title: `${strategy.name}: the disk is full`,
      text: `${words}. Give it more room, or shorten the retention`,
      urgent: true,
    }),
  )
  return true
}

/** A proof that fails is followed by one fresh dump, whatever `retry` says. */
function mayRetry(fault: Fault, attempt: number, maxAttempts: number, proofsFailed: number): boolean {
  if (fault.code === 'proof-failed') return proofsFailed === 1
  return fault.retry && attempt < maxAttempts
}

/** Exponential with jitter: delay × 2^(n-1), at most max_delay, ±20 %. */
export function backoff(strategy: Strategy, attempt: number, random: number): number {
  const { delayMs, maxDelayMs } = strategy.retry
  return Math.round(Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1)) * (0.8 + 0.4 * random))
}
