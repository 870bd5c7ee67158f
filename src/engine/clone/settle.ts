import { asFault, Fault } from '../../core/faults.ts'
import { serviceActor } from '../../core/model.ts'
import { audit } from '../../state/audit.ts'
import { endReplaced, findClone, moveClone, unendedClones, type StoredClone } from '../../state/clones.ts'
import type { Write } from '../../state/database.ts'
import { openRuns } from '../../state/runs.ts'
import { openSource, runFolder, strategyOf, type EngineContext } from '../context.ts'
import { tellNotice } from '../tell.ts'
import type { Tools } from './make.ts'
import { atPlace } from './place.ts'

const dropMs = 5 * 60_000 // removing the files of a large database
const againMs = 10 * 60_000

/** What became of a copy that nobody works on any more. `unknown`: its server could not be asked; a later pass tries again. */
export type Settled = 'gone' | 'open' | 'unknown'

/** Ends what a run began: looks what bears the name, and finishes or clears away. Never throws. */
export async function settleClone(
  context: EngineContext,
  run: string,
  tools: Tools | null = null,
): Promise<Settled> {
  const clone = await findClone(context.database.read, run)
  if (!clone || !['making', 'naming'].includes(clone.state)) return clone?.state === 'open' ? 'open' : 'gone'
  try {
    const settle = (using: Tools): Promise<Settled> => lookAndSettle(context, clone, using)
    return await (tools ? settle(tools) : withTools(context, clone, settle))
  } catch (error) {
    await later(context, clone, error)
    await tellUnreachable(context, clone, error)
    return 'unknown'
  }
}

/** One pass over all that is there: what a dead run left is settled, and what has had its time is dropped. */
export async function lookAfterClones(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  const open = await openRuns(context.database.read)
  for (const clone of await unendedClones(context.database.read)) {
    const isWorkedOn = open.some(({ id }) => id === clone.run)
    if (isWorkedOn || clone.retryAt > now) continue
    if (clone.state === 'making' || clone.state === 'naming') await settleLate(context, clone)
    else if (clone.oldId !== null) await dropBefore(context, clone)
    else if (clone.until !== null && clone.until <= now) await dropCopy(context, clone)
  }
}

async function lookAndSettle(context: EngineContext, clone: StoredClone, tools: Tools): Promise<Settled> {
  const signal = AbortSignal.timeout(dropMs)
  const { name, beside, kept, oldId, newId } = clone
  await mustBeIts(clone, tools, signal)
  const bears = newId === null ? null : await tools.clone.identify(name, signal)
  // of files a second name may be left
  await tools.swap.remove({ name: beside, id: newId }, signal)
  if (newId !== null && bears !== newId) await removeByIdentity({ name: beside, id: newId }, tools, signal)
  if (newId === null || bears !== newId) {
    if (oldId !== null && bears === oldId) await tools.swap.remove({ name: kept, id: oldId }, signal)
    await context.database.write((tx) => moveClone(tx, clone.run, clone.state, { state: 'ended' }))
    return 'gone'
  }
  await context.database.write((tx) => open(context, tx, clone))
  if (oldId !== null) await dropBefore(context, { ...clone, state: 'open' }, tools)
  return 'open'
}

/** From now on it is there, and its time runs. */
async function open(context: EngineContext, tx: Write, clone: StoredClone): Promise<void> {
  const { run, dropAfterMs, result, place, name, endpoint, backup } = clone
  const until = dropAfterMs === null ? null : context.clock.now() + dropAfterMs
  const restored = result && { ...result, clone: { ...result.clone!, until } }
  if (!(await moveClone(tx, run, 'naming', { state: 'open', until, result: restored }))) return
  await endReplaced(tx, clone)
  await note(context, tx, clone, {
    act: 'clone.made',
    detail: `${name} on ${endpoint} is ${backup} now, for ${place}`,
  })
}

/** Its run ended without knowing: now people are told. */
async function settleLate(context: EngineContext, clone: StoredClone): Promise<void> {
  const settled = await settleClone(context, clone.run)
  if (settled === 'unknown') return
  const { name, endpoint, backup, beside } = clone
  const text =
    settled === 'open'
      ? `${name} on ${endpoint} is the copy of ${backup} after all`
      : `${name} on ${endpoint} is as it was; ${beside} is not there any more`
  await context.database.write((tx) => tellAbout(context, tx, clone, { what: 'settled', text }))
}

/** @throws Fault not-found when the place leads to another server than it did */
async function mustBeIts(
  { place, server }: StoredClone,
  { clone }: Tools,
  signal: AbortSignal,
): Promise<void> {
  if (server === null || server === (await clone.server(signal))) return
  throw new Fault('not-found', `${place} leads to another server now`)
}

/** Whatever it is called now.
 * @returns how that was; null: it was there no more */
async function removeByIdentity(
  { name, id }: { name: string; id: string },
  { clone, swap }: Tools,
  signal: AbortSignal,
): Promise<string | null> {
  const now = await clone.called(id, name, signal)
  return now !== null && (await swap.remove({ name: now, id }, signal)) === 'removed' ? now : null
}

/** What had the name before the copy. Failing is looked at again later. */
async function dropBefore(
  context: EngineContext,
  clone: StoredClone,
  tools: Tools | null = null,
): Promise<void> {
  const left = { name: clone.kept, id: clone.oldId }
  const drop = async (using: Tools): Promise<void> => {
    const signal = AbortSignal.timeout(dropMs)
    await mustBeIts(clone, using, signal)
    await using.swap.remove(left, signal)
  }
  try {
    await (tools ? drop(tools) : withTools(context, clone, drop))
    await context.database.write((tx) => moveClone(tx, clone.run, 'open', { oldId: null }))
  } catch (error) {
    await later(context, clone, error)
    await tellUnreachable(context, clone, error)
  }
}

/** Its time is over: the database that was made goes, whatever it is called now, and no other that has its name. */
async function dropCopy(context: EngineContext, clone: StoredClone): Promise<void> {
  const { name, run, endpoint } = clone
  if (clone.state === 'open') {
    const isOurs = await context.database.write((tx) => moveClone(tx, run, 'open', { state: 'dropping' }))
    if (!isOurs) return
  }
  try {
    const { what, was } = await withTools(context, clone, (tools) => dropNow(clone, tools))
    await context.database.write(async (tx) => {
      await moveClone(tx, run, 'dropping', { state: 'ended' })
      await note(context, tx, clone, { act: 'clone.dropped', detail: `${was}: ${what}` })
      const renamed = was === name ? '' : `, which somebody had renamed to ${was}`
      const text = `${endWords[what]}: ${name} on ${endpoint}${renamed}`
      await tellAbout(context, tx, clone, { what: 'end', text })
    })
  } catch (error) {
    await later(context, clone, error)
    await tellUnreachable(context, clone, error)
  }
}

async function dropNow(
  clone: StoredClone,
  tools: Tools,
): Promise<{ what: keyof typeof endWords; was: string }> {
  const { name, newId } = clone
  const signal = AbortSignal.timeout(dropMs)
  await mustBeIts(clone, tools, signal)
  const was = newId === null ? null : await removeByIdentity({ name, id: newId }, tools, signal)
  if (was !== null) return { what: 'removed', was }
  const isFree = (await tools.clone.identify(name, signal)) === null
  return { what: isFree ? 'absent' : 'foreign', was: name }
}

const endWords = {
  removed: 'The time of this copy is over, and it is dropped',
  absent: 'The time of this copy is over; somebody else had dropped or moved it',
  foreign: 'The time of this copy is over; what bears its name now is another database, and stays',
} as const

/** What is there stays there, and is owed, until the configuration leads to it again. */
async function tellUnreachable(context: EngineContext, clone: StoredClone, error: unknown): Promise<void> {
  const { code, message } = asFault(error)
  if (code !== 'not-found') return
  const { name, endpoint, beside, newId, state, kept } = clone
  const left =
    state === 'making' || state === 'naming'
      ? `What is left of a copy that was not finished stays: ${newId === null ? beside : `${beside} or ${name}`} on ${endpoint}`
      : state === 'open' && clone.oldId !== null
        ? `What this copy replaced stays: ${kept} on ${endpoint}`
        : `The time of this copy is over, and it stays: ${name} on ${endpoint}`
  const text = `${left}. It cannot be reached: ${message}. Drop it by hand, or lead the place there again`
  await context.database.write((tx) => tellAbout(context, tx, clone, { what: 'unreachable', text }))
}

async function withTools<T>(
  context: EngineContext,
  { strategy: name, place, run }: StoredClone,
  work: (tools: Tools) => Promise<T>,
): Promise<T> {
  const strategy = atPlace(strategyOf(context, name), place)
  const opening = { id: run, folder: runFolder(context, run), restoring: true } as const
  const source = await openSource(context, strategy, opening)
  try {
    const { swap, clone } = source
    if (!swap || !clone) throw new TypeError('a source without copies made one')
    return await work({ swap, clone })
  } finally {
    await source.close()
  }
}

async function later(context: EngineContext, clone: StoredClone, error: unknown): Promise<void> {
  context.log.warn('a copy could not be looked after', {
    run: clone.run,
    name: clone.name,
    error: context.scrub(asFault(error).message),
  })
  const now = await findClone(context.database.read, clone.run)
  if (now)
    await context.database.write((tx) =>
      moveClone(tx, clone.run, now.state, { retryAt: context.clock.now() + againMs }),
    )
}

function note(
  context: EngineContext,
  tx: Write,
  { strategy, run: subject }: StoredClone,
  { act, detail }: { act: string; detail: string },
): Promise<unknown> {
  const about = { strategy, subject, planDigest: null, reason: null, link: null }
  const entry = { ...about, actor: serviceActor, act, result: 'done', detail } as const
  return audit(tx, entry, context.clock.now())
}

/** @param about.what  each is told once */
function tellAbout(
  context: EngineContext,
  tx: Write,
  clone: StoredClone,
  about: { what: 'settled' | 'end' | 'unreachable'; text: string },
): Promise<void> {
  return tellNotice(context, tx, {
    key: `clone/${clone.run}/${about.what}`,
    strategy: clone.strategy,
    title: `${clone.strategy}: copy in ${clone.place}`,
    text: about.text,
    urgent: false,
    run: clone.run,
  })
}
