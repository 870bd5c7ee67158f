import type { Retention, Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { Pin } from '../core/model.ts'
import {
  freezeReason,
  heldBack,
  judge,
  retentionIn,
  type Candidate,
  type Judgement,
} from '../core/retention.ts'
import type { Gone } from '../core/retention/gone.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { listCopies, type Copy } from '../state/catalogue.ts'
import { savePin } from '../state/pins.ts'
import { goneAt } from '../state/series.ts'
import { othersBackedUp } from '../state/witnesses.ts'
import type { Storage } from '../storages/storage.ts'
import { storageOf, type EngineContext } from './context.ts'
import { folderOf } from './folder-of.ts'
import { requireKnown } from './marker.ts'
import { listAll, readSmall } from './objects.ts'
import { retentionHold } from './requests/retention.ts'
import { isOneOfMany, isWholeServer } from './series-scope.ts'
import { isPinKey, readPinSidecar } from './pin-sidecar.ts'

/** One series in one place: what retention decides about at a time. */
export interface Corner {
  strategy: Strategy
  series: string
  storage: Storage
}

/** What is in a corner now, and what retention says about each. */
export interface Survey {
  policy: Retention | null
  candidates: Candidate[]
  found: Surveyed[]
  /** Why nothing may be deleted although some would go; null when nothing is held back. */
  frozen: string | null
  /** Pinned in our state, and no sidecar says so there. */
  unmarked: Copy[]
}

export interface Surveyed {
  copy: Copy
  judgement: Judgement
  /** It would go, and the place refuses that until then (Object Lock). */
  retainedUntil: number | null
}

/** Lists the place, hears what its pins say, and judges. Changes nothing but what we know of pins.
 * A place that cannot be listed is no fault: its backups are judged as frozen. */
export async function survey(context: EngineContext, corner: Corner, signal: AbortSignal): Promise<Survey> {
  const { strategy, storage } = corner
  const policy = retentionIn(strategy, storage.name)
  const known = await copiesIn(context, corner)
  const there = await lookAt(context, corner, { copies: known, signal })
  const copies = await copiesIn(context, corner) // with the pins that were heard of
  const candidates = copies.map((copy) => candidateOf(copy, there))
  const now = context.clock.now()
  const circumstances = {
    now,
    timezone: strategy.timezone,
    intervalMs: expectedMaxAge(strategy.schedule, strategy.timezone, now),
    listed: there.failure === null,
    held: await retentionHold(context.database.read, strategy),
    gone: await goneOf(context, corner),
  }
  const judgements = judge(candidates, policy, circumstances)
  const found: Surveyed[] = []
  for (const [index, judgement] of judgements.entries()) {
    const copy = copies[index]!
    const retainedUntil = judgement.keep ? null : await retained(storage, { copy, now, signal })
    found.push({ copy, judgement, retainedUntil })
  }
  const freeze = freezeReason(candidates, policy, circumstances)
  const isHeldBack = freeze !== null && heldBack(candidates, policy, circumstances).length > 0
  return {
    policy,
    candidates,
    found,
    frozen: isHeldBack ? [freeze, there.failure].filter(Boolean).join(': ') : null,
    unmarked: copies.filter((copy, index) => {
      const isHeld = judgements[index]!.ground === 'pinned'
      return isHeld && there.failure === null && there.manifests.has(copy.id) && !there.pins.has(copy.id)
    }),
  }
}

async function goneOf(
  { database: { read } }: EngineContext,
  { strategy, series }: Corner,
): Promise<Gone | null> {
  const of = { strategy: strategy.name, series }
  const at = isWholeServer(strategy) ? await goneAt(read, of.strategy, series) : null
  return at === null ? null : { at, others: await othersBackedUp(read, of) }
}

/** Every corner that the strategy has backups in and that it still uses. */
export async function cornersOf(context: EngineContext, strategy: Strategy): Promise<Corner[]> {
  const rows = await context.database.read
    .selectFrom('backups')
    .select(['series', 'storage'])
    .distinct()
    .where('strategy', '=', strategy.name)
    .execute()
  const known = new Set(rows.map(({ series, storage }) => JSON.stringify([series, storage])))
  const series = [...new Set(rows.map((row) => row.series))].toSorted()
  return series.flatMap((name) =>
    strategy.storages
      .filter((place) => known.has(JSON.stringify([name, place])))
      .map((place) => ({ strategy, series: name, storage: storageOf(context, place) })),
  )
}

function copiesIn(context: EngineContext, { strategy, series, storage }: Corner): Promise<Copy[]> {
  const filter = { strategies: [strategy.name], series, storage: storage.name }
  return listCopies(context.database.read, filter)
}

/** The catalogue may be wrong about what is there, and our state about what is pinned. */
function candidateOf(copy: Copy, there: Seen): Candidate {
  const unreadable: Pin = { until: null, note: 'its pin cannot be read', by: nobody, at: 0 }
  return {
    id: copy.id,
    createdAt: copy.createdAt,
    good: copy.corrupt === null && (there.failure !== null || isWhole(copy, there)),
    foreign: copy.foreign,
    pin: there.pins.get(copy.id) === 'unreadable' ? unreadable : (copy.pin ?? null),
  }
}

/** A manifest whose dump somebody removed or cut is no backup that could stand for another. */
function isWhole({ manifest }: Copy, { manifests, bytes }: Seen): boolean {
  const isThere = objectsOf(manifest).every(({ key, storedBytes }) => bytes.get(key) === storedBytes)
  return manifests.has(manifest.id) && isThere
}

const nobody = { via: 'service', id: 'somebody' } as const

interface Seen {
  /** Ids of backups that have a manifest there now. */
  manifests: Set<string>
  /** Sizes of all objects, by key. */
  bytes: Map<string, number>
  pins: Map<string, 'read' | 'unreadable'>
  failure: string | null
}

/** Of one of many databases its own folder: a server of 300 is not listed whole for each of them. */
function folderOfSeries({ name }: Strategy, copies: readonly Copy[]): string {
  const folders = new Set(
    copies.map(({ manifest }) =>
      isOneOfMany(manifest) ? manifest.artifacts[0]!.key.split('/').slice(0, 2).join('/') : name,
    ),
  )
  const [only] = folders
  return `${folders.size === 1 ? only : name}/`
}

async function lookAt(
  context: EngineContext,
  corner: Corner,
  { copies, signal }: { copies: readonly Copy[]; signal: AbortSignal },
): Promise<Seen> {
  const { strategy, storage } = corner
  const seen: Seen = { manifests: new Set(), bytes: new Map(), pins: new Map(), failure: null }
  try {
    await requireKnown(storage, signal)
    const pinKeys: string[] = []
    for await (const { key, bytes } of listAll(storage, folderOfSeries(strategy, copies), signal)) {
      seen.bytes.set(key, bytes)
      if (key.endsWith(`/${manifestName}`)) seen.manifests.add(key.split('/').at(-2)!)
      if (isPinKey(key)) pinKeys.push(key)
    }
    for (const key of pinKeys) await hearPin(context, storage, { key, seen, signal })
  } catch (error) {
    signal.throwIfAborted()
    seen.failure = asFault(error).message // judged as frozen, and said
  }
  return seen
}

/** A pin that another host wrote, or that a lost state forgot, holds all the same. */
async function hearPin(
  context: EngineContext,
  storage: Storage,
  { key, seen, signal }: { key: string; seen: Seen; signal: AbortSignal },
): Promise<void> {
  const id = key.split('/').at(-2)!
  try {
    const { backup, pin } = readPinSidecar(await readSmall(storage, key, signal), key)
    if (backup === id) await context.database.write((tx) => savePin(tx, id, pin))
    if (!seen.pins.has(id)) seen.pins.set(id, 'read')
  } catch (error) {
    if (asFault(error).code !== 'object-corrupt') throw error
    context.log.warn('a pin cannot be read; its backup stays', { key, error: asFault(error).message })
    seen.pins.set(id, 'unreadable')
  }
}

/** The manifest was put last, so that nothing of the backup is retained longer. */
async function retained(
  storage: Storage,
  { copy, now, signal }: { copy: Copy; now: number; signal: AbortSignal },
): Promise<number | null> {
  const until = await storage.retainUntil?.(folderOf(copy) + manifestName, signal).catch(() => null) // then the removal itself tells
  return until !== null && until !== undefined && until > now ? until : null
}
