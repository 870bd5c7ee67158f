import { rm } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import type { Strategy } from '../core/config.ts'
import { asFault, Fault, faultFacts } from '../core/faults.ts'
import { formatDuration } from '../core/duration.ts'
import type { Outcome, Progress } from '../core/model.ts'
import { changeRun, claimRun, endRun, findRun, openRuns, type Run } from '../state/runs.ts'
import { ToolFailure } from '../sys/process.ts'
import { runFolder, strategyOf, type EngineContext } from './context.ts'
import { createPulse, type Pulse } from './pulse.ts'
import { settleRequest } from './restore/requests.ts'
import { runView } from './views.ts'
import { tellProgress, tellRun } from './tell.ts'
import { workOn, type WorkResult } from './work.ts'

/** Claims accepted runs and carries them out, each to exactly one end (promise 3). */
export interface Worker {
  /** Looks for work until the signal fires; then runs get `graceMs` and are interrupted. */
  runUntil(signal: AbortSignal, graceMs: number): Promise<void>
  /** Carries out just this run, in a process without a service. */
  runOne(id: string, signal: AbortSignal): Promise<void>
  /** Looks at once instead of at the next poll. */
  nudge(): void
}

const pollMs = 400 // also how soon another process's cancel is noticed
const sideWork = 4 // restores and verifications beside the backups: a person waits for them

export function createWorker(context: EngineContext): Worker {
  const active = new Map<string, { kind: Run['kind']; cancel: AbortController; done: Promise<void> }>()
  let wake: () => void = () => undefined

  function may(run: Run): boolean {
    const backups = [...active.values()].filter((one) => one.kind === 'backup').length
    return run.kind === 'backup' ? backups < context.config.maxParallel : active.size - backups < sideWork
  }

  async function claim(only: string | null): Promise<Run | null> {
    const { clock, database, self } = context
    return database.write(async (tx) => {
      const run = await claimRun(
        tx,
        self,
        clock.now(),
        (candidate) => may(candidate) && (only === null || candidate.id === only),
      )
      if (run) await tellRun(context, tx, await runView(context, run, tx))
      return run
    })
  }

  function start(run: Run): Promise<void> {
    const cancel = new AbortController()
    context.bus.emit({ type: 'run.started', run: run.id, kind: run.kind, strategy: run.strategy })
    const done = carryOut(context, run, { cancel: cancel.signal, parallel: () => active.size }).finally(
      () => {
        active.delete(run.id)
        wake()
      },
    )
    active.set(run.id, { kind: run.kind, cancel, done })
    return done
  }

  async function passOnCancels(): Promise<void> {
    if (active.size === 0) return
    for (const run of await openRuns(context.database.read))
      if (run.cancelledBy)
        active
          .get(run.id)
          ?.cancel.abort(new Fault('cancelled', 'cancelled', { hint: `by ${run.cancelledBy.id}` }))
  }

  async function pass(): Promise<void> {
    await passOnCancels()
    for (let run = await claim(null); run; run = await claim(null)) void start(run)
  }

  function pause(signal: AbortSignal): Promise<void> {
    const nudged = new Promise<void>((resolve) => (wake = resolve))
    return Promise.race([nudged, context.clock.sleep(pollMs, signal).catch(() => undefined)])
  }

  async function runUntil(signal: AbortSignal, graceMs: number): Promise<void> {
    while (!signal.aborted) {
      await pass().catch((error: unknown) =>
        context.log.error('looking for work failed', { error: asFault(error).message }),
      )
      await pause(signal)
    }
    const grace = new AbortController() // a timer left behind would keep the process for its whole length
    await Promise.race([
      Promise.allSettled([...active.values()].map((one) => one.done)),
      context.clock.sleep(graceMs, grace.signal).catch(() => undefined),
    ])
    grace.abort()
    for (const one of active.values())
      one.cancel.abort(new Fault('interrupted', 'the service was stopped while it ran'))
    await Promise.allSettled([...active.values()].map((one) => one.done))
  }

  async function runOne(id: string, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => active.get(id)?.cancel.abort(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    for (;;) {
      const run = await claim(id)
      const ended = run ? start(run) : null
      if (ended) return watchCancels(ended)
      const now = await findRun(context.database.read, id)
      if (now?.state !== 'queued' || signal.aborted) return
      await context.clock.sleep(pollMs) // its lease is held by another process
    }
  }

  async function watchCancels(ended: Promise<void>): Promise<void> {
    let over = false
    void ended.finally(() => (over = true))
    while (!over) {
      await Promise.race([ended, context.clock.sleep(pollMs)])
      await passOnCancels()
    }
  }

  return { runUntil, runOne, nudge: () => wake() }
}

interface Circumstances {
  cancel: AbortSignal
  parallel: () => number
}

/** One run from its claim to its end, with retries. Never throws: whatever happens becomes the run's end. */
async function carryOut(context: EngineContext, run: Run, circumstances: Circumstances): Promise<void> {
  const begun = context.clock.monotonic()
  try {
    const strategy = strategyOf(context, run.strategy)
    const result = await withRetries(context, run, strategy, circumstances)
    await finish(context, run, { outcome: 'succeeded', result, fault: null, begun })
  } catch (error) {
    const fault = asFault(error)
    if (fault.code === 'internal')
      context.log.error('a defect ended a run', {
        run: run.id,
        error: fault.cause instanceof Error ? (fault.cause.stack ?? fault.message) : fault.message,
      })
    await finish(context, run, { outcome: outcomeOf(fault), result: null, fault, begun }).catch(
      (reason: unknown) =>
        context.log.error('the end of a run could not be written; the next start does it', {
          run: run.id,
          error: asFault(reason).message,
        }),
    )
  }
}

async function withRetries(
  context: EngineContext,
  run: Run,
  strategy: Strategy,
  circumstances: Circumstances,
): Promise<WorkResult> {
  let proofsFailed = 0
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(context, { ...run, attempt }, strategy, circumstances)
    } catch (error) {
      const fault = asRunFault(error)
      if (fault.code === 'proof-failed') proofsFailed++
      if (!mayRetry(fault, attempt, run.maxAttempts, proofsFailed) || circumstances.cancel.aborted)
        throw fault
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
      await context.clock.sleep(delayMs, circumstances.cancel)
    }
  }
}

/** A proof that fails is followed by one fresh dump, whatever `retry` says. */
function mayRetry(fault: Fault, attempt: number, maxAttempts: number, proofsFailed: number): boolean {
  if (fault.code === 'proof-failed') return proofsFailed === 1
  return fault.retry && attempt < maxAttempts
}

/** Exponential with jitter: delay × 2^(n-1), at most max_delay, ±20 %. */
function backoff(strategy: Strategy, attempt: number, random: number): number {
  const { delayMs, maxDelayMs } = strategy.retry
  return Math.round(Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1)) * (0.8 + 0.4 * random))
}

async function tryOnce(
  context: EngineContext,
  run: Run,
  strategy: Strategy,
  circumstances: Circumstances,
): Promise<WorkResult> {
  const folder = runFolder(context, run.id)
  const expectedBytes = await expectedSize(context, run)
  const shows = createShows(context, run, circumstances)
  const pulse: Pulse = createPulse(context.clock, {
    stallMs: strategy.timeout.stallMs,
    expectedBytes,
    onBeat: shows,
  })
  const over = new AbortController()
  const limit = totalLimit(context, run, strategy, over.signal)
  const signal = AbortSignal.any([circumstances.cancel, pulse.stalled, limit])
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return await workOn(context, {
      run,
      strategy,
      folder,
      pulse,
      signal,
      change: (columns) => change(context, run.id, columns),
    })
  } catch (error) {
    throw signal.aborted ? (signal.reason as Error) : error
  } finally {
    over.abort(new Error('attempt over'))
    pulse.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fires with Fault timed-out when `timeout.backup` or `timeout.restore` is set and reached. */
function totalLimit(context: EngineContext, run: Run, strategy: Strategy, over: AbortSignal): AbortSignal {
  const limit = new AbortController()
  const limitMs = run.kind === 'restore' ? strategy.timeout.restoreMs : strategy.timeout.backupMs
  if (limitMs > 0)
    void context.clock.sleep(limitMs, over).then(
      () =>
        limit.abort(
          new Fault('timed-out', `the ${run.kind} took longer than its limit of ${formatDuration(limitMs)}`, {
            hint: `raise timeout.${run.kind === 'restore' ? 'restore' : 'backup'}, or leave it out to have no limit`,
          }),
        ),
      () => undefined,
    )
  return limit.signal
}

async function expectedSize(context: EngineContext, run: Run): Promise<number | null> {
  if (run.kind !== 'backup') return null
  const last = await context.database.read
    .selectFrom('backups')
    .select('stored_bytes')
    .where('strategy', '=', run.strategy)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.stored_bytes ?? null
}

const editsPerMinute = 36 // of Slack's 50 per minute and workspace (slack.md, "Many at once")

/** Writes progress for whoever watches: every beat for local watchers, the thread's message as often as Slack allows. */
function createShows(
  context: EngineContext,
  run: Run,
  circumstances: Circumstances,
): (progress: Progress) => void {
  let toldAt = -Infinity
  let writing = false
  return (progress) => {
    if (writing) return // a superseded beat is dropped, never queued
    const intervalMs = Math.max(5_000, (circumstances.parallel() * 60_000) / editsPerMinute)
    const tell = context.clock.monotonic() - toldAt >= intervalMs
    if (tell) toldAt = context.clock.monotonic()
    writing = true
    void change(context, run.id, { progress, stage: progress.stage }, tell)
      .catch((error: unknown) =>
        context.log.warn('progress could not be written', { run: run.id, error: asFault(error).message }),
      )
      .finally(() => (writing = false))
  }
}

async function change(
  context: EngineContext,
  runId: string,
  columns: Parameters<typeof changeRun>[2],
  tell = true,
): Promise<void> {
  await context.database.write(async (tx) => {
    if (!(await changeRun(tx, runId, columns)) || !tell) return
    const run = await findRun(tx, runId)
    if (run) await tellProgress(context, tx, await runView(context, run, tx))
  })
}

async function finish(
  context: EngineContext,
  run: Run,
  end: { outcome: Outcome; result: WorkResult | null; fault: Fault | null; begun: number },
): Promise<void> {
  const at = context.clock.now()
  const fault = end.fault ? scrubbed(context, end.fault) : null
  if (fault) context.logs.append(run.id, `${end.outcome}: ${fault.text}`)
  const ended = await context.database.write(async (tx) => {
    if (!(await endRun(tx, run.id, { outcome: end.outcome, at, result: end.result?.result ?? null, fault })))
      return false
    await end.result?.commit(tx)
    const now = await findRun(tx, run.id)
    await settleRequest(context, tx, now!)
    await tellRun(context, tx, await runView(context, now!, tx))
    return true
  })
  if (!ended) return
  const tookMs = Math.round(context.clock.monotonic() - end.begun)
  context.bus.emit({
    type: 'run.ended',
    run: run.id,
    kind: run.kind,
    strategy: run.strategy,
    outcome: end.outcome,
    code: fault?.code ?? null,
    tookMs,
  })
  await end.result?.after?.()
}

function scrubbed(context: EngineContext, fault: Fault): ReturnType<typeof faultFacts> {
  const { code, text, hint } = faultFacts(fault)
  return {
    code,
    text: context.scrub(text).slice(0, 2_000),
    hint: hint && context.scrub(hint).slice(0, 1_000),
  }
}

function outcomeOf(fault: Fault): Outcome {
  if (fault.code === 'cancelled') return 'cancelled'
  return fault.code === 'interrupted' ? 'interrupted' : 'failed'
}

/** What a tool said about a full disk is the disk's fault, not the tool's. */
function asRunFault(error: unknown): Fault {
  const fault = asFault(error)
  const words = [fault.message, ...(fault instanceof ToolFailure ? fault.lastWords : [])].join('\n')
  const code =
    (error as NodeJS.ErrnoException).code ??
    ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOSPC' || /no space left on device|disk quota exceeded/i.test(words))
    return new Fault('disk-full', 'there is no space left for the spool (temp_dir) or the storage', {
      hint: 'free some space, or point temp_dir to a larger disk; `df -h` shows which is full',
      cause: error,
    })
  return fault
}
