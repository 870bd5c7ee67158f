import type { CloneConfig } from '../../core/clone.ts'
import type { Strategy } from '../../core/config.ts'
import { Fault } from '../../core/faults.ts'
import { nearest } from '../../core/nearest.ts'
import type { RestoreAsk } from '../facade.ts'

/** @throws Fault not-found with the nearest name, or with how to name one */
export function placeOf({ name: strategy, clones }: Strategy, name: string): CloneConfig {
  if (Object.hasOwn(clones, name)) return clones[name]!
  const names = Object.keys(clones)
  if (names.length === 0)
    throw new Fault('not-found', `${strategy} has no place for copies`, {
      hint: `name one in the configuration, in the strategy: clones: { ${name}: { database_url: …, sanitize: [file.sql] } }`,
    })
  const near = nearest(name, names)
  throw new Fault('not-found', `${strategy} has no place ${name.slice(0, 63)} for copies`, {
    hint: near ? `did you mean ${near}?` : `places: ${names.slice(0, 10).join(', ')}`,
  })
}

/** The strategy as if the place were its own database: what `openSource` is to connect to for the copy. Nothing is backed up by it. */
export function atPlace(strategy: Strategy, place: string): Strategy {
  const { url } = placeOf(strategy, place)
  return {
    ...strategy,
    source: { ...strategy.source, url, dumpUrl: null, restoreUrl: null, databases: null },
  }
}

/** What `openSource` is to connect to for a restore. */
export function strategyAtTarget(strategy: Strategy, { clone }: RestoreAsk): Strategy {
  return clone === undefined ? strategy : atPlace(strategy, clone)
}
