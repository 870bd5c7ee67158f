import { formatDuration } from '../../core/duration.ts'
import { Fault } from '../../core/faults.ts'
import type { Actor, RunView, SwapView, UndoResult } from '../../core/model.ts'
import type { Source, Swap, Swapped, Swapping } from '../../sources/source.ts'
import { audit } from '../../state/audit.ts'
import type { Write } from '../../state/database.ts'
import { findRun, insertRun, openRun, openRuns } from '../../state/runs.ts'
import { findSwap, moveSwap, otherId, otherName, viewOfSwap, type StoredSwap } from '../../state/swaps.ts'
import { openSource, strategyOf, type EngineContext } from '../context.ts'
import { tellRun } from '../tell.ts'
import { runView } from '../views.ts'
import type { Work, WorkResult } from '../work.ts'
import { excludeBackups } from './exclusive.ts'
import { newRunId } from './requests.ts'
import { settleSwap, tellAgain } from './swaps.ts'
import { databaseOf, isWholeServer, scopeOf } from '../series-scope.ts'

export interface UndoAsk {
  /** The restore's run or its request. */
  id: string
  /** As it was shown, so that a late click does not undo the undo. */
  version: number
  actor: Actor
}

/** Accepts the exchange of what is in place for what is kept. @throws Fault not-found · stale · busy */
export async function startUndo(context: EngineContext, ask: UndoAsk): Promise<RunView> {
  const view = await context.database.write(async (tx) => {
    const swap = await undoable(context, tx, ask)
    const id = newRunId(context)
    const { name, endpoint, run: of } = swap
    const strategy = strategyOf(context, swap.strategy)
    await insertRun(
      tx,
      {
        id,
        kind: 'restore',
        strategy: strategy.name,
        series: isWholeServer(strategy) ? name : '',
        trigger: 'person',
        actor: ask.actor,
        slotAt: null,
        lease: `target/${endpoint}/${name}`,
        params: { undo: of },
        maxAttempts: 1,
      },
      context.clock.now(),
    )
    await note(context, tx, swap, { actor: ask.actor, result: 'allowed', detail: `run ${id}` })
    const now = await runView(context, (await findRun(tx, id))!, tx)
    await tellRun(context, tx, now)
    return now
  })
  context.bus.emit({ type: 'run.queued', run: view.id, kind: 'restore', strategy: view.strategy })
  return view
}

async function undoable(context: EngineContext, tx: Write, { id, version }: UndoAsk): Promise<StoredSwap> {
  const swap = await findSwap(tx, id)
  if (!swap) throw noSwap(id)
  const hint = 'nothing was changed'
  const isAsked = (await openRuns(tx)).some(({ params }) => params.undo === swap.run)
  if (isAsked || swap.state === 'exchanging' || swap.state === 'restoring')
    throw new Fault('busy', `${swap.name} is being exchanged right now`, { hint })
  refuseOver(context, swap)
  if (swap.version !== version)
    throw new Fault('stale', 'this was already undone, or done again, by somebody else', { hint })
  const backup = await openRun(tx, 'backup', scopeOf(context, { strategy: swap.strategy, series: swap.name }))
  if (backup)
    throw new Fault('busy', `a backup of ${swap.strategy} is under way`, {
      hint: `${hint}; wait for run ${backup}, or cancel it`,
    })
  return swap
}

function refuseOver(context: EngineContext, swap: StoredSwap): void {
  const isOver = swap.state === 'open' && (swap.until ?? 0) <= context.clock.now()
  if (!isOver && swap.state !== 'removing' && swap.state !== 'ended') return
  throw new Fault('stale', `the time to undo this is over: ${otherName(swap)} is not kept any more`, {
    hint: swap.safety
      ? `nothing was changed; restore the safety backup ${swap.safety}`
      : 'nothing was changed',
  })
}

/** @throws Fault not-found · stale when nothing of it is kept any more */
export async function swapView(context: EngineContext, id: string): Promise<SwapView> {
  const swap = await findSwap(context.database.read, id)
  if (!swap) throw noSwap(id)
  refuseOver(context, swap)
  return viewOfSwap(swap)
}

function noSwap(id: string): Fault {
  return new Fault('not-found', `there is no restore in place ${id.slice(0, 40)}`, {
    hint: '`status <strategy>` lists what can be undone',
  })
}

/** The swap once more, the other way round: what it replaces is kept in its turn, for the rest of the time.
 * @throws Fault stale · database-locked … */
export async function undoRestore(context: EngineContext, work: Work): Promise<WorkResult> {
  const found = await findSwap(context.database.read, work.run.params.undo!)
  if (found?.state !== 'open')
    throw new Fault('stale', 'there is nothing left to undo', { hint: 'nothing was changed' })
  const source = await openSource(context, work.strategy, {
    id: work.run.id,
    folder: work.folder,
    restoring: true,
    ...databaseOf(work.strategy, { database: found.name }),
  })
  try {
    const { swap: swapping } = source
    if (!swapping) throw new TypeError('a source without swap made one')
    return await swapping.alone(found.name, work.signal, () =>
      exchangeBack(context, work, { found, swapping, source }),
    )
  } finally {
    await source.close()
  }
}

async function exchangeBack(
  context: EngineContext,
  work: Work,
  { found, swapping, source }: { found: StoredSwap; swapping: Swapping; source: Source },
): Promise<WorkResult> {
  work.pulse.stage('swap')
  await excludeBackups(context, work, { names: found, source })
  const { name, inPlace, kept, beside } = found
  const freed = inPlace === 'new' ? beside : kept // which the one in place had before
  const pair = await swapping.identify({ name, beside: otherName(found), kept: freed }, work.signal)
  refuseOthers(found, pair)
  const isOurs = await context.database.write((tx) =>
    moveSwap(tx, found.run, 'open', { state: 'exchanging', workedOnBy: work.run.id }),
  )
  if (!isOurs) throw new Fault('stale', 'there is nothing left to undo', { hint: 'nothing was changed' })
  try {
    // it has its own settings and grants: everything is as before
    const swapped = await swapping.exchange(pair, { force: true, carry: false }, work.signal)
    return resultOf(context, work, { found, swapped })
  } catch (error) {
    await settleSwap(context, found.run, swapping)
    const now = await findSwap(context.database.read, found.run)
    if (now?.state !== 'open' || now.inPlace === inPlace) throw error
    return resultOf(context, work, { found, swapped: null })
  }
}

function refuseOthers(swap: StoredSwap, pair: Swap): void {
  const inPlaceId = swap.inPlace === 'new' ? swap.newId : swap.oldId
  if (pair.oldId === inPlaceId && pair.newId === otherId(swap)) return
  throw new Fault(
    'stale',
    `${swap.name} or ${otherName(swap)} is not the database that was swapped any more`,
    {
      hint: 'nothing was changed; look who renamed or restored it',
    },
  )
}

function resultOf(
  context: EngineContext,
  { run }: Work,
  { found, swapped }: { found: StoredSwap; swapped: Swapped | null },
): WorkResult {
  const inPlace = found.inPlace === 'new' ? 'old' : 'new'
  const undo = undoResult({ ...found, inPlace }, swapped)
  return {
    result: { undo },
    commit: async (tx) => {
      const version = found.version + 1
      if (await moveSwap(tx, found.run, 'exchanging', { state: 'open', inPlace, version }))
        await note(context, tx, found, { actor: run.actor, result: 'done', detail: undo.kept })
      await tellAgain(context, tx, found.run)
    },
  }
}

/** @param swap  as it stands now */
export function undoResult(swap: StoredSwap, swapped: Swapped | null): UndoResult {
  const { run: of, name, endpoint, inPlace, until } = swap
  const { sessions, downMs } = swapped ?? { sessions: null, downMs: null }
  return { of, name, endpoint, inPlace, kept: otherName(swap), until: until ?? 0, sessions, downMs }
}

function note(
  context: EngineContext,
  tx: Write,
  swap: StoredSwap,
  { actor, result, detail }: { actor: Actor; result: 'allowed' | 'done'; detail: string },
): Promise<unknown> {
  const left = formatDuration(Math.max(0, (swap.until ?? 0) - context.clock.now()))
  const which = swap.inPlace === 'new' ? 'restore.undo' : 'restore.redo'
  const entry = {
    actor,
    act: which,
    strategy: swap.strategy,
    subject: swap.run,
    planDigest: null,
    reason: null,
  }
  return audit(
    tx,
    { ...entry, result, detail: `${swap.name}; ${detail}; ${left} left`, link: null },
    context.clock.now(),
  )
}
