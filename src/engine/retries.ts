import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { Run } from '../state/runs.ts'
import { fileFault } from '../sys/files.ts'
import { ToolFailure } from '../sys/process.ts'
import type { EngineContext } from './context.ts'
import { freeTempRoom, KeptFault } from './kept.ts'
import { change } from './progress.ts'
import { pruneAll } from './prune.ts'
import { tellNotice } from './tell.ts'
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
  let madeRoom = false
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(attempt)
    } catch (error) {
      if (error instanceof KeptFault) throw error // its dump is good: each place was tried as often as `retry` says
      const fault = asRunFault(error, context.config.tempDir)
      if (fault.code === 'proof-failed') proofsFailed++
      cancel.throwIfAborted()
      if (
        fault.code === 'disk-full' &&
        !madeRoom &&
        (await makeAnyRoom(context, { run, strategy }, cancel))
      ) {
        madeRoom = true
        continue
      }
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
      await change(context, run.id, { attempt: attempt + 1, stage: 'waiting', progress: null })
      await context.clock.sleep(delayMs, cancel)
    }
  }
}

/** temp_dir may be full of kept dumps, or lie on the same disk as a place. */
async function makeAnyRoom(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy },
  signal: AbortSignal,
): Promise<boolean> {
  const dropped = await freeTempRoom(context, Number.MAX_SAFE_INTEGER)
  if (dropped === 0) return makeRoom(context, { run, strategy }, signal)
  context.logs.append(run.id, `the disk is full: ${dropped} kept dumps were deleted, trying once more`)
  return true
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

/** What a tool said about a full disk is the disk's fault, not the tool's. Places say themselves that they are full: what is left
 * is the folder of unfinished work. */
export function asRunFault(error: unknown, tempDir: string): Fault {
  const fault = asFault(fileFault(error, 'a file operation failed')) // a disk that fails is no defect of ours
  if (fault.code === 'disk-full' && error instanceof Fault) return fault
  const words = [fault.message, ...(fault instanceof ToolFailure ? fault.lastWords : [])].join('\n')
  const code =
    (error as NodeJS.ErrnoException).code ??
    ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOSPC' || /no space left on device|disk quota exceeded/i.test(words))
    return new Fault('disk-full', `there is no space left in temp_dir (${tempDir})`, {
      hint: `free some space there, or point temp_dir to a larger disk; \`df -h ${tempDir}\` shows how full it is`,
      cause: error,
    })
  return fault
}
