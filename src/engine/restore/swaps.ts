import { asFault } from '../../core/faults.ts'
import { serviceActor } from '../../core/model.ts'
import type { Swap, Swapping } from '../../sources/source.ts'
import { audit } from '../../state/audit.ts'
import type { Write } from '../../state/database.ts'
import { findRun, openRuns } from '../../state/runs.ts'
import { findSwap, moveSwap, otherId, otherName, unendedSwaps, type StoredSwap } from '../../state/swaps.ts'
import { openSource, runFolder, strategyOf, type EngineContext } from '../context.ts'
import { tellNotice, tellRun } from '../tell.ts'
import { runView } from '../views.ts'
import { pinSafety, unpinned } from './safety.ts'
import { databaseOf } from '../series-scope.ts'

const askMs = 60_000
const againMs = 10 * 60_000

/** What became of a swap that nobody works on any more. `unknown`: its server could not be asked; a later pass tries again. */
export type Settled = 'gone' | 'open' | 'unknown'

/** Ends what a run began and did not finish: looks which database is in place, and finishes or clears away. Never throws. */
export async function settleSwap(
  context: EngineContext,
  run: string,
  swapping: Swapping | null = null,
): Promise<Settled> {
  const swap = await findSwap(context.database.read, run)
  if (!swap || !['restoring', 'exchanging'].includes(swap.state))
    return swap?.state === 'open' ? 'open' : 'gone'
  try {
    const settle = (using: Swapping): Promise<Settled> =>
      swap.state === 'restoring' ? clearAway(context, swap, using) : lookAndSettle(context, swap, using)
    return await (swapping ? settle(swapping) : withSwapping(context, swap, settle))
  } catch (error) {
    await later(context, swap, error)
    if (!swapping) await tellLeft(context, swap, error)
    return 'unknown'
  }
}

/** One pass over all that is kept: what a dead run left is settled, what nobody can undo any more goes. */
export async function lookAfterSwaps(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  const open = await openRuns(context.database.read)
  for (const swap of await unendedSwaps(context.database.read)) {
    const isWorkedOn = open.some(({ id, params }) => id === swap.workedOnBy || params.undo === swap.run)
    if (isWorkedOn || swap.retryAt > now) continue
    if (swap.state === 'open' && (swap.until ?? 0) > now) continue
    if (swap.state === 'open' || swap.state === 'removing') await removeKept(context, swap)
    else await settleLate(context, swap)
  }
}

/** Its run ended without knowing: now people are told. */
async function settleLate(context: EngineContext, swap: StoredSwap): Promise<void> {
  if ((await settleSwap(context, swap.workedOnBy)) === 'unknown') return
  const now = (await findSwap(context.database.read, swap.run))!
  await context.database.write((tx) => tellAbout(context, tx, now, { text: standingWords(now) }))
}

/** "shop is the restored database; the one before it is kept as …" */
export function standingWords(swap: StoredSwap): string {
  const { name, state, inPlace } = swap
  const which = inPlace === 'new' ? 'the restored database' : 'the database from before the restore'
  if (state === 'open') return `${name} is ${which}; the other one is kept as ${otherName(swap)}`
  if (state === 'ended') return `${name} is ${which}; nothing else is left`
  return `which database ${name} is will be known when its server answers`
}

async function clearAway(context: EngineContext, swap: StoredSwap, swapping: Swapping): Promise<Settled> {
  await swapping.remove({ name: swap.beside, id: swap.newId }, AbortSignal.timeout(askMs))
  await context.database.write(async (tx) => {
    if (!(await moveSwap(tx, swap.run, swap.state, { state: 'ended', inPlace: 'old' }))) return
    await unpin(context, tx, swap)
  })
  return 'gone'
}

async function lookAndSettle(context: EngineContext, swap: StoredSwap, swapping: Swapping): Promise<Settled> {
  const pair = attempted(swap)
  const stands = await swapping.standing(pair, AbortSignal.timeout(askMs))
  if (stands === 'neither') return giveUp(context, swap)
  const isDone = stands === 'new'
  // of files a second name may be left
  if (!isDone) await swapping.remove({ name: pair.kept, id: pair.oldId }, AbortSignal.timeout(askMs))
  const isFirst = swap.version === 0
  if (isFirst && !isDone) return clearAway(context, swap, swapping)
  await context.database.write((tx) => open(context, tx, { swap, isFirst, isDone }))
  return 'open'
}

/** The exchange that somebody had begun: `new` is what was to come in place. */
function attempted(swap: StoredSwap): Swap {
  const { name, beside, kept, oldId, newId, inPlace } = swap
  if (inPlace === 'old') return { name, beside, kept, oldId: oldId!, newId: newId! }
  return { name, beside: kept, kept: beside, oldId: newId!, newId: oldId! }
}

async function open(
  context: EngineContext,
  tx: Write,
  { swap, isFirst, isDone }: { swap: StoredSwap; isFirst: boolean; isDone: boolean },
): Promise<void> {
  const until = swap.until ?? context.clock.now() + strategyOf(context, swap.strategy).restore.undoMs
  const inPlace = isDone === (swap.inPlace === 'old') ? 'new' : 'old'
  const workedOnBy = isDone ? swap.workedOnBy : swap.run
  const version = swap.version + (isDone ? 1 : 0)
  if (!(await moveSwap(tx, swap.run, 'exchanging', { state: 'open', inPlace, version, until, workedOnBy })))
    return
  if (isFirst)
    await pinSafety(context, tx, { backup: swap.safety, until, of: { id: swap.run, actor: swap.by } })
  if (isDone)
    await noteAct(context, tx, swap, {
      act: isFirst ? 'restore.swap' : 'restore.undo',
      detail: 'it was done before its process stopped',
    })
  if (!isFirst) await tellAgain(context, tx, swap.run)
}

/** Somebody renamed by hand: nothing of it is ours to decide. */
async function giveUp(context: EngineContext, swap: StoredSwap): Promise<Settled> {
  await context.database.write(async (tx) => {
    if (!(await moveSwap(tx, swap.run, swap.state, { state: 'ended' }))) return
    await tellAbout(context, tx, swap, {
      text: `${swap.name} on ${swap.endpoint} is neither the old nor the restored database: somebody renamed them. Look for ${swap.kept} and ${swap.beside}`,
    })
  })
  return 'gone'
}

/** The window is over: the one that was replaced goes, if it still is that one. */
async function removeKept(context: EngineContext, swap: StoredSwap): Promise<void> {
  const name = otherName(swap)
  if (swap.state === 'open') {
    const isOurs = await context.database.write((tx) => moveSwap(tx, swap.run, 'open', { state: 'removing' }))
    if (!isOurs) return
  }
  try {
    const left = { name, id: otherId(swap) ?? '' }
    const what = await withSwapping(context, swap, (swapping) =>
      swapping.remove(left, AbortSignal.timeout(askMs * 5)),
    )
    await context.database.write(async (tx) => {
      await moveSwap(tx, swap.run, 'removing', { state: 'ended' })
      await noteAct(context, tx, swap, { act: 'restore.kept-removed', detail: `${name}: ${what}` })
      await tellAgain(context, tx, swap.run)
      await tellAbout(context, tx, swap, { text: `${endWords[what]}: ${name} on ${swap.endpoint}` })
    })
  } catch (error) {
    await later(context, swap, error)
    await tellLeft(context, swap, error)
  }
}

/** What nobody can look after stays, and is owed: people hear it once. */
async function tellLeft(context: EngineContext, swap: StoredSwap, error: unknown): Promise<void> {
  const { state, name, beside, endpoint } = swap
  const isOver = state === 'open' || state === 'removing'
  const what = isOver
    ? `The time to undo is over, and ${otherName(swap)} on ${endpoint} could not be removed`
    : `What became of ${name} on ${endpoint} could not be looked at; ${beside} may still be there`
  const why = context.scrub(asFault(error).message)
  const text = `${what}: ${why}. It is tried again every ten minutes; or drop it by hand`
  await context.database.write((tx) =>
    tellAbout(context, tx, swap, { text, what: isOver ? 'kept' : 'unsettled', urgent: true }),
  )
}

const endWords = {
  removed: 'The time to undo is over, and the database that was kept is removed',
  absent: 'The time to undo is over; somebody else had removed what was kept',
  foreign: 'The time to undo is over; what bears its name now is not what was kept, and stays',
} as const

async function later(context: EngineContext, swap: StoredSwap, error: unknown): Promise<void> {
  const { message } = asFault(error)
  context.log.warn('a replaced database could not be looked after', {
    run: swap.run,
    name: swap.name,
    error: context.scrub(message),
  })
  const now = await findSwap(context.database.read, swap.run)
  if (now)
    await context.database.write((tx) =>
      moveSwap(tx, swap.run, now.state, { retryAt: context.clock.now() + againMs }),
    )
}

async function withSwapping<T>(
  context: EngineContext,
  swap: StoredSwap,
  work: (swapping: Swapping) => Promise<T>,
): Promise<T> {
  const strategy = strategyOf(context, swap.strategy)
  const run = swap.workedOnBy
  const source = await openSource(context, strategy, {
    id: run,
    folder: runFolder(context, run),
    restoring: true,
    ...databaseOf(strategy, { database: swap.name }),
  })
  try {
    if (!source.swap) throw new TypeError('a source without swap made one')
    return await work(source.swap)
  } finally {
    await source.close()
  }
}

async function unpin(context: EngineContext, tx: Write, swap: StoredSwap): Promise<void> {
  await pinSafety(context, tx, { backup: swap.safety, until: unpinned, of: { id: swap.run, actor: swap.by } })
}

function noteAct(
  context: EngineContext,
  tx: Write,
  swap: StoredSwap,
  { act, detail }: { act: string; detail: string },
): Promise<unknown> {
  const { strategy, run: subject } = swap
  const entry = {
    actor: serviceActor,
    act,
    strategy,
    subject,
    planDigest: null,
    reason: null,
    link: null,
  } as const
  return audit(tx, { ...entry, result: 'done', detail }, context.clock.now())
}

/** The message of the restore shows what can be undone now. */
export async function tellAgain(context: EngineContext, tx: Write, id: string): Promise<void> {
  const run = await findRun(tx, id)
  if (run?.endedAt != null) await tellRun(context, tx, await runView(context, run, tx))
}

/** @param about.what  each is told once */
function tellAbout(
  context: EngineContext,
  tx: Write,
  swap: StoredSwap,
  about: { text: string; what?: string; urgent?: boolean },
): Promise<void> {
  const { run, strategy, state, version } = swap
  const { text, what = `${state}/${version}`, urgent = false } = about
  const isKnown = context.config.strategies.some(({ name }) => name === strategy)
  return tellNotice(context, tx, {
    key: `swap/${run}/${what}`,
    strategy: isKnown ? strategy : null,
    title: `${strategy}: restore in place`,
    text,
    urgent,
    run,
  })
}
