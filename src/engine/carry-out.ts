import { rm } from 'node:fs/promises'
import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault, faultFacts } from '../core/faults.ts'
import type { KeptDump, Outcome } from '../core/model.ts'
import { endRun, findRun, type Run, type RunChange } from '../state/runs.ts'
import { makeRunFolder } from './folders.ts'
import { recall } from '../state/memory.ts'
import { KeptFault } from './kept.ts'
import { installationKey } from './catalogue.ts'
import { runFolder, type EngineContext } from './context.ts'
import { beforeHooks, withEndHooks } from './hooks.ts'
import { noteEnd } from './incidents/note.ts'
import { change as changeRun, createShows } from './progress.ts'
import { processorTicks } from '../sys/strays.ts'
import { withRetries } from './retries.ts'
import { createPulse, type Pulse } from './pulse.ts'
import { strategyOfRun } from './restore/choose.ts'
import { settleRequest } from './requests/runs.ts'
import { noteGone } from '../state/series.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'
import { isDropped } from './whole-server.ts'
import { workOn, type WorkResult } from './work.ts'

export interface Circumstances {
  /** Fires with a Fault: cancelled, or interrupted. */
  cancel: AbortSignal
  /** As in Work. */
  carry: (run: string) => Promise<boolean>
  /** How many runs share this process, and so Slack's limits. */
  parallel: () => number
}

/** One run from its claim to its end, with retries. Never throws: whatever happens becomes the run's end. */
export async function carryOut(
  context: EngineContext,
  run: Run,
  circumstances: Circumstances,
): Promise<void> {
  const begun = context.clock.monotonic()
  const came = await endOf(context, run, circumstances)
  const end = await withEndHooks(context, run, { end: came, cancel: circumstances.cancel })
  const isWritten = await finishAtLast(context, run, { ...end, begun }, circumstances.cancel)
  // of a backup whose end could not be written the dump stays: the next start goes on with it
  if (isWritten && end.kept === null) await removeFolder(context, runFolder(context, run.id))
  await end.result
    ?.after?.(circumstances.cancel)
    .catch((error: unknown) =>
      context.log.error('what follows a run stumbled', { run: run.id, error: asFault(error).message }),
    )
}

async function endOf(
  context: EngineContext,
  run: Run,
  circumstances: Circumstances,
): Promise<Omit<End, 'begun'>> {
  const over = new AbortController()
  try {
    const strategy = await strategyOfRun(context, run)
    const limit = totalLimit(context, run, strategy, over.signal)
    const cancel = AbortSignal.any([circumstances.cancel, limit])
    const before = beforeHooks(context, strategy)
    const result = await withRetries(context, run, {
      attempt: (number) =>
        tryOnce(context, { ...run, attempt: number }, strategy, { ...circumstances, cancel, before }),
      strategy,
      cancel,
    })
    return { outcome: result.outcome ?? 'succeeded', result, fault: result.fault ?? null, kept: null }
  } catch (error) {
    const fault = asFault(error)
    if (fault.code === 'internal')
      context.log.error('a defect ended a run', {
        run: run.id,
        error: fault.cause instanceof Error ? (fault.cause.stack ?? fault.message) : fault.message,
      })
    const kept = error instanceof KeptFault ? error.kept : null
    return { outcome: await outcomeOf(context, run, fault), result: null, fault, kept }
  } finally {
    over.abort(new Error('the run is over'))
  }
}

async function tryOnce(
  context: EngineContext,
  run: Run,
  strategy: Strategy,
  circumstances: Circumstances & { before: ReturnType<typeof beforeHooks> },
): Promise<WorkResult> {
  const folder = runFolder(context, run.id)
  // `catalog sync` in another process may have taken an installation over meanwhile
  context.installation = (await recall(context.database.read, installationKey)) ?? context.installation
  const expectedBytes = await expectedSize(context, run)
  const shows = createShows(context, run, circumstances.parallel)
  const pulse: Pulse = createPulse(context.clock, {
    stallMs: strategy.timeout.stallMs,
    expectedBytes,
    onBeat: shows,
    processorTicks: () => processorTicks(run.id),
  })
  const signal = AbortSignal.any([circumstances.cancel, pulse.stalled])
  let isNeeded = false // its dump: to be sent by somebody else, or until the run's end is written
  try {
    await makeRunFolder(context, run.id)
    const { carry, before } = circumstances
    const change = (columns: RunChange): Promise<void> => changeRun(context, run.id, columns)
    const work = { run, strategy, folder, pulse, signal, carry, change }
    const result = await workOn(context, { ...work, before: () => before(work) })
    isNeeded = run.kind === 'backup'
    return result
  } catch (error) {
    isNeeded = error instanceof KeptFault
    throw signal.aborted && !isNeeded ? (signal.reason as Error) : error
  } finally {
    pulse.stop()
    if (!isNeeded) await removeFolder(context, folder)
  }
}

/** A folder that cannot be removed must not turn a good backup bad; the next start removes it. */
async function removeFolder(context: EngineContext, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
    context.log.warn('the folder of a run could not be removed', { folder, error: asFault(error).message }),
  )
}

/** Fires with Fault timed-out when `timeout.backup` or `timeout.restore` is set and reached, all attempts counted. */
function totalLimit(context: EngineContext, run: Run, strategy: Strategy, over: AbortSignal): AbortSignal {
  const limit = new AbortController()
  const { restoreMs, backupMs } = strategy.timeout
  const limitMs = {
    backup: backupMs,
    verify: backupMs,
    restore: restoreMs,
    drill: restoreMs,
    copy: 0,
    prune: 0,
  }[run.kind]
  if (limitMs > 0)
    void context.clock.sleep(limitMs, over).then(
      () =>
        limit.abort(
          new Fault('timed-out', `the ${run.kind} took longer than its limit of ${formatDuration(limitMs)}`, {
            hint: `raise timeout.${['restore', 'drill'].includes(run.kind) ? 'restore' : 'backup'}, or leave it out to have no limit`,
            retry: false, // the limit is for the whole run
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

interface End {
  outcome: Outcome
  result: WorkResult | null
  fault: Fault | null
  kept: KeptDump | null
  begun: number
}

const finishAgainMs = 5_000 // a state disk that is full or locked may have room again
const triesOfCancelled = 12 // a signal fires once: of a cancelled run nobody hears any more that the service stops

/** A run whose end cannot be written would keep its lease for as long as this process lives: so it is tried until it works,
 * also for a run that was cancelled. @returns whether it was written */
async function finishAtLast(
  context: EngineContext,
  run: Run,
  end: End,
  stopping: AbortSignal,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      await finish(context, run, end)
      return true
    } catch (error) {
      context.log.error('the end of a run could not be written', {
        run: run.id,
        error: asFault(error).message,
      })
      if (isStopping(stopping) || (stopping.aborted && tries >= triesOfCancelled)) return false // the next start ends it
      const waiting = stopping.aborted ? [] : [stopping]
      await context.clock.sleep(finishAgainMs, ...waiting).catch(() => undefined)
    }
  }
}

function isStopping({ aborted, reason }: AbortSignal): boolean {
  return aborted && asFault(reason).code !== 'cancelled'
}

async function finish(context: EngineContext, run: Run, end: End): Promise<void> {
  const at = context.clock.now()
  const fault = end.fault ? scrubbed(context, end.fault) : null
  const ended = await context.database.write(async (tx) => {
    const isFirst = await endRun(tx, run.id, {
      outcome: end.outcome,
      at,
      result: end.result?.result ?? (end.kept && { kept: end.kept }),
      fault,
    })
    await end.result?.commit(tx) // what is stored is stored, also when somebody else ended the run
    if (!isFirst) return null
    const now = await findRun(tx, run.id)
    await settleRequest(context, tx, now!)
    const view = await runView(context, now!, tx)
    const { incident, events } = await noteEnd(context, tx, view)
    await tellRun(context, tx, incident === null ? view : { ...view, incident })
    return events
  })
  if (!ended) return
  for (const event of ended) context.bus.emit(event)
  if (fault) context.logs.append(run.id, `${end.outcome}: ${fault.text}`)
  context.logs.close(run.id)
  context.bus.emit({
    type: 'run.ended',
    run: run.id,
    kind: run.kind,
    strategy: run.strategy,
    outcome: end.outcome,
    code: fault?.code ?? null,
    tookMs: Math.round(context.clock.monotonic() - end.begun),
  })
}

function scrubbed(context: EngineContext, fault: Fault): ReturnType<typeof faultFacts> {
  const { code, text, hint } = faultFacts(fault)
  return {
    code,
    text: context.scrub(text).slice(0, 2_000),
    hint: hint && context.scrub(hint).slice(0, 1_000),
  }
}

async function outcomeOf(context: EngineContext, { id }: Run, fault: Fault): Promise<Outcome> {
  const now = await findRun(context.database.read, id).catch(() => null) // it may have become one of a whole server
  const strategy = context.config.strategies.find(({ name }) => name === now?.strategy)
  if (now && strategy && isDropped(strategy, now, fault)) {
    await context.database.write((tx) => noteGone(tx, now, context.clock.now())).catch(() => undefined) // or with the next list
    return 'skipped'
  }
  if (fault.code === 'cancelled') return 'cancelled'
  return fault.code === 'interrupted' ? 'interrupted' : 'failed'
}
