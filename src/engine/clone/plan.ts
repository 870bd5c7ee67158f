import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ClonePlan } from '../../core/clone.ts'
import { formatDuration } from '../../core/duration.ts'
import { Fault } from '../../core/faults.ts'
import type { Source, TargetPlan } from '../../sources/source.ts'
import type { EngineContext } from '../context.ts'
import type { Chosen, FixedAsk } from '../restore/choose.ts'
import { ownerBlockers } from './owners.ts'
import { placeOf } from './place.ts'

interface Asked {
  ask: FixedAsk
  place: string
  chosen: Chosen
  /** Opened at the place. */
  source: Source
  /** Of the plan, for whatever else is opened. */
  opening: { id: string; folder: string }
}

/** What a copy into a place would meet there; changes nothing. It is made under a name of its own first, so that has to be possible,
 * and where a database of the place's name is there, so has the exchange of the two. */
export async function planClone(
  context: EngineContext,
  asked: Asked,
  signal: AbortSignal,
): Promise<{ target: TargetPlan; clone: ClonePlan }> {
  const { ask, chosen, source } = asked
  const place = placeOf(chosen.strategy, asked.place)
  const { kind } = chosen.strategy.source
  if (!source.clone || !source.swap) throw impossible(chosen)
  const request = { database: null, url: null, stamp: ask.stamp, noOwner: true }
  const named = await source.plan(chosen.manifest, { ...request, inPlace: { freshnessSql: null } }, signal)
  if (!named.swap) throw impossible(chosen)
  const { beside, kept } = named.swap
  const fresh = await source.plan(
    chosen.manifest,
    { ...request, database: beside, clean: place.sanitize.length > 0 }, // then the program for scripts is looked for, too
    signal,
  )
  const { swap: _swap, ...facts } = named
  const target = {
    ...facts,
    mode: fresh.mode,
    warnings: [...new Set([...named.warnings, ...fresh.warnings])],
    blockers: [
      ...new Set([...(named.exists ? named.blockers : []), ...fresh.blockers]),
      ...(named.exists ? await ownerBlockers(context, { ...asked, kind, name: named.name }, signal) : []),
    ],
  }
  const sanitize = await Promise.all(place.sanitize.map(readScript))
  const { dropAfterMs, protected: isProtected } = place
  return {
    target,
    clone: { place: asked.place, beside, kept, sanitize, dropAfterMs, protected: isProtected },
  }
}

function impossible({ manifest }: Chosen): Fault {
  return new Fault('target-invalid', `backups of ${manifest.engine.name} cannot be copied into a place`, {
    hint: 'restore it there with --target-url; nothing was changed',
  })
}

async function readScript(path: string): Promise<ClonePlan['sanitize'][number]> {
  const bytes = await readFile(path).catch(() => null)
  return { file: basename(path), sha256: bytes && createHash('sha256').update(bytes).digest('hex') }
}

export function cloneSteps(
  { sanitize, dropAfterMs, beside }: ClonePlan,
  target: TargetPlan,
  compare: string,
): string[] {
  return [
    'fetch and verify the backup',
    `restore into ${beside}, without owners and grants`,
    compare,
    ...(sanitize.length > 0 ? [`run ${sanitize.map(({ file }) => file).join(', ')}`] : []),
    target.exists
      ? `give it the name ${target.name}, drop the one before`
      : `give it the name ${target.name}`,
    ...(dropAfterMs === null ? [] : [`drop it after ${formatDuration(dropAfterMs)}`]),
  ]
}

export function cloneWarnings({ sanitize }: ClonePlan, { exists, sessions }: TargetPlan): string[] {
  return [
    ...(sanitize.length === 0 ? ['nothing is sanitized: the copy holds the data as it is'] : []),
    ...(exists && sessions
      ? [`${sessions} live ${sessions === 1 ? 'session' : 'sessions'} will be dropped`]
      : []),
  ]
}

export function cloneBlockers({ sanitize }: ClonePlan): string[] {
  const missing = sanitize.filter(({ sha256 }) => sha256 === null)
  return missing.map(({ file }) => `${file} cannot be read: no copy is made without it`)
}
