import { asFault, Fault } from '../core/faults.ts'
import { claimRun, findRun, openRuns, type Run } from '../state/runs.ts'
import { carryOut } from './carry-out.ts'
import type { EngineContext } from './context.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'

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
const sooner: readonly Run['kind'][] = ['restore', 'verify']
const drillsAtOnce = 2 // of these: each restores a whole database

export function createWorker(context: EngineContext): Worker {
  const active = new Map<string, { run: Run; cancel: AbortController; done: Promise<void> }>()
  let wake: () => void = () => undefined

  function may(run: Run, queued: readonly Run[]): boolean {
    const running = (kind: Run['kind']): number =>
      [...active.values()].filter((one) => one.run.kind === kind).length
    const backups = running('backup')
    if (run.kind === 'backup') return backups < context.config.maxParallel
    // nobody waits for a drill: it lets the backups that are due begin
    const isDrillsTurn = running('drill') < drillsAtOnce && !queued.some(({ kind }) => kind === 'backup')
    if (run.kind === 'drill' && !isDrillsTurn) return false
    // one that reads everything may take days: one at a time, and what a person waits for goes first
    const isAlone = ![...active.values()].some((one) => one.run.params.all)
    const isAwaited = queued.some(({ kind, params }) => sooner.includes(kind) && !params.all)
    if (run.params.all && (!isAlone || isAwaited)) return false
    return active.size - backups < sideWork
  }

  async function claim(only: string | null): Promise<Run | null> {
    const { clock, database, self } = context
    return database.write(async (tx) => {
      const run = await claimRun(
        tx,
        self,
        clock.now(),
        // who carries out one run alone may be the only one who works: nobody else's is waited for
        (candidate, queued) =>
          only === null ? may(candidate, queued) : candidate.id === only && may(candidate, []),
      )
      if (run) await tellRun(context, tx, await runView(context, run, tx))
      return run
    })
  }

  function start(run: Run): Promise<void> {
    const cancel = new AbortController()
    context.bus.emit({ type: 'run.started', run: run.id, kind: run.kind, strategy: run.strategy })
    // a copy: a reload while it runs does not change what it works with
    const done = carryOut({ ...context }, run, {
      cancel: cancel.signal,
      carry: async (id) => {
        const other = await claim(id)
        if (other) await start(other)
        return other !== null
      },
      parallel: () => active.size,
    }).finally(() => {
      active.delete(run.id)
      wake()
    })
    active.set(run.id, { run, cancel, done })
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
      await passOnCancels().catch((error: unknown) =>
        context.log.error('looking for cancels failed', { error: asFault(error).message }),
      )
    }
  }

  return { runUntil, runOne, nudge: () => wake() }
}
