import { formatDuration } from '../core/duration.ts'
import { asFault } from '../core/faults.ts'
import { serviceActor } from '../core/model.ts'
import { pauseAfter, rereadEveryMs } from '../core/reread.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { listCopies, longestUnread, type Copy } from '../state/catalogue.ts'
import { paceOf, savePace, saveRead, saveTried, unreadIn, type Pace } from '../state/reads.ts'
import { openRuns, type Run } from '../state/runs.ts'
import type { Storage } from '../storages/storage.ts'
import { admitVerify } from './admit.ts'
import type { EngineContext } from './context.ts'
import { checkManifest } from './copies.ts'
import { requireKnown } from './marker.ts'
import { fetchVerified, readTwice } from './objects.ts'
import { createPulse } from './pulse.ts'
import { tellNotice } from './tell.ts'
import { turnAt } from './turn.ts'

const everyMs = 60_000
const mostAtOnce = 20 // small ones, in one look
const awayMs = 15 * 60_000 // until a place that could not be read is tried again
const toldAfterMs = 3 * 24 * 3600_000 // of tries without success
const stallMs = 5 * 60_000
const turnKey = 'reread'
const longestTurnMs = 7 * 24 * 3600_000

/** Reads stored backups again, the longest unread first, in every place as much a day as its budget allows: what has changed or
 * decayed there is found before somebody needs it. What time was missed is not made up for. */
export async function rereadUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (let read = 0; read < mostAtOnce && (await rereadOne(context, signal)) !== null; read++);
    } catch (error) {
      if (!signal.aborted) context.log.error('re-reading backups stumbled', { error: asFault(error).message })
    }
    await context.clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

/** ok: it is what was written. broken: a verification of it was queued, which marks and tells it. away: nobody could tell. */
export interface Reread {
  backup: string
  storage: string
  found: 'ok' | 'broken' | 'away'
}

/** Reads the copy whose turn it is. @returns null when none is due, or something more important runs */
export async function rereadOne(context: EngineContext, signal: AbortSignal): Promise<Reread | null> {
  const open = await openRuns(context.database.read)
  if (open.some(({ kind }) => kind !== 'verify')) return null // backups, restores and what people wait for go first
  const next = await nextCopy(context, open)
  if (!next) return null
  const giveBack = await turnAt(context, turnKey, longestTurnMs)
  if (!giveBack) return null
  try {
    return await readIt(context, next, signal)
  } finally {
    await giveBack()
  }
}

interface Next {
  copy: Copy
  storage: Storage
}

/** Of the places that may be read now, the one that was left alone for the longest time. */
async function nextCopy(context: EngineContext, open: readonly Run[]): Promise<Next | null> {
  const { config, clock, database, storages } = context
  const now = clock.now()
  const places: { storage: Storage; budget: number; since: number }[] = []
  for (const storage of storages.values()) {
    const budget = config.reread[storage.name] ?? 0
    const pace = await paceOf(database.read, storage.name)
    const until = pace === null ? 0 : pauseEnd(pace, budget)
    const waits = until > now && pace !== null && pace.at <= now // else the clock was ahead
    if (budget > 0 && !waits) places.push({ storage, budget, since: until })
  }
  const strategies = config.strategies.map(({ name }) => name)
  const except = open.flatMap(({ params }) => (params.backup === undefined ? [] : [params.backup]))
  for (const { storage } of places.toSorted((a, b) => a.since - b.since)) {
    const before = now - rereadEveryMs
    const copy = await longestUnread(database.read, { storage: storage.name, strategies, except, before })
    if (copy) return { copy, storage }
  }
  return null
}

function pauseEnd({ at, bytes, isAway }: Pace, budget: number): number {
  return at + Math.max(isAway ? awayMs : 0, pauseAfter(bytes, budget)) // what was read in vain was read
}

async function readIt(context: EngineContext, { copy, storage }: Next, signal: AbortSignal): Promise<Reread> {
  const { clock, database, bus } = context
  const pause = (bytes: number): Promise<void> =>
    database.write((tx) => savePace(tx, storage.name, { at: clock.now(), bytes, isAway: false }))
  const whole = objectsOf(copy.manifest).reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  await pause(whole) // before a byte is read: a service that dies again and again costs no more than one that does not
  const read = { backup: copy.id, storage: storage.name }
  let bytes = 0
  try {
    await readCopyAgain(context, { copy, storage, signal, onBytes: (more) => void (bytes += more) })
    await database.write((tx) => saveRead(tx, { id: copy.id, storage: storage.name, at: clock.now() }))
    bus.emit({ type: 'copy.read', strategy: copy.strategy, storage: storage.name, bytes, ok: true })
    return { ...read, found: 'ok' }
  } catch (error) {
    const { code, message } = asFault(error)
    if (signal.aborted) {
      await pause(bytes)
      throw error
    }
    bus.emit({ type: 'copy.read', strategy: copy.strategy, storage: storage.name, bytes, ok: false })
    if (code === 'object-corrupt' || code === 'object-missing') return await broken(context, { copy, read })
    context.log.warn('a backup could not be read again', { ...read, error: message })
    await away(context, { copy, bytes, why: context.scrub(message) })
    return { ...read, found: 'away' }
  }
}

/** Nobody can tell: it is tried again after the others, and when that goes on for days it is said. */
async function away(
  context: EngineContext,
  { copy: { id, storage, strategy }, bytes, why }: { copy: Copy; bytes: number; why: string },
): Promise<void> {
  const at = context.clock.now()
  await context.database.write(async (tx) => {
    await savePace(tx, storage, { at, bytes, isAway: true })
    await saveTried(tx, { id, storage, at })
    const unread = await unreadIn(tx, storage, at - toldAfterMs)
    if (unread === null) return
    const copies = unread.copies === 1 ? 'a stored copy' : `${unread.copies} stored copies`
    await tellNotice(context, tx, {
      key: `unread/${storage}/${unread.since}`, // one for a place, however many copies it has
      strategy: unread.copies === 1 ? strategy : null,
      title: `${storage}: ${copies} could not be read again for ${formatDuration(toldAfterMs)}`,
      text: `The last one is ${id}: ${why}. Nothing is known against ${unread.copies === 1 ? 'it' : 'them'}, and nobody knows whether restores could read ${unread.copies === 1 ? 'it' : 'them'}: look at the place. They are tried again by themselves`,
      urgent: false,
    })
  })
}

/** Reads one stored copy whole and compares it with its manifest; what reads wrong once is read again.
 * @param from.onBytes  told how many more bytes were read. @throws Fault object-corrupt · object-missing · storage-… · stalled */
export async function readCopyAgain(
  context: EngineContext,
  from: { copy: Copy; storage: Storage; signal: AbortSignal; onBytes: (more: number) => void },
): Promise<void> {
  const { copy, storage, onBytes } = from
  const pulse = createPulse(context.clock, {
    stallMs,
    expectedBytes: null,
    onBeat: () => undefined,
    processorTicks: () => 0,
  })
  const signal = AbortSignal.any([from.signal, pulse.stalled])
  let total = 0
  const readObject = async (object: Parameters<typeof fetchVerified>[1]): Promise<void> => {
    let before = 0
    await fetchVerified(storage, object, {
      into: null,
      signal,
      onBytes: (now) => {
        onBytes(now - before)
        total += now - before
        before = now
        pulse.moved('fetch', total)
      },
    })
  }
  try {
    await requireKnown(storage, signal)
    await checkManifest(storage, copy, signal)
    for (const object of objectsOf(copy.manifest))
      await readTwice(
        () => readObject(object),
        () => undefined,
      )
  } catch (error) {
    throw pulse.stalled.aborted ? (pulse.stalled.reason as Error) : error
  } finally {
    pulse.stop()
  }
}

/** What was found is proved, marked and told by a verification like those that people ask for. */
async function broken(
  context: EngineContext,
  { copy, read }: { copy: Copy; read: Omit<Reread, 'found'> },
): Promise<Reread> {
  const { id: backup, storage, strategy, series } = copy
  const run = await context.database.write(async (tx) => {
    await saveTried(tx, { id: backup, storage, at: context.clock.now() }) // until it is marked, others have their turn
    if ((await listCopies(tx, { id: backup, storage })).length === 0) return null // retention let it go meanwhile
    const isOpen = (await openRuns(tx)).some(({ params }) => params.backup === backup)
    if (isOpen) return null
    return admitVerify(context, tx, {
      strategy,
      series,
      backup,
      level: 'V1',
      storage, // the budgets of the other places are their own
      trigger: 'schedule',
      actor: serviceActor,
    })
  })
  if (run !== null) context.bus.emit({ type: 'run.queued', run, kind: 'verify', strategy })
  return { ...read, found: 'broken' }
}
