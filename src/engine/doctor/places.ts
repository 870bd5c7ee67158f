import { passed, type Check } from '../../core/checks.ts'
import type { Strategy } from '../../core/config.ts'
import { asFault } from '../../core/faults.ts'
import { markerKey } from '../../core/keys.ts'
import type { Storage } from '../../storages/storage.ts'
import type { EngineContext } from '../context.ts'
import { isInPlace, readMarker } from '../marker.ts'

/** Every place that these strategies use (null: every one), by writing, reading and removing; and that it is the place we know. */
export function checkPlaces(
  context: EngineContext,
  strategies: readonly Strategy[] | null,
  signal: AbortSignal,
): Promise<Check[]> {
  const used = strategies && new Set(strategies.flatMap(({ storages }) => storages))
  const places = [...context.storages.values()].filter(({ name }) => used?.has(name) ?? true)
  return Promise.all(places.map((place) => checkPlace(context, place, signal)))
}

async function checkPlace(context: EngineContext, place: Storage, signal: AbortSignal): Promise<Check> {
  const { name } = place
  try {
    const { ok, text, hint } = await place.check(signal)
    if (!ok) return { name, state: 'failed', text, hint }
    const marker = await readMarker(place, signal)
    if (marker === null && !(await isInPlace(context, place, signal)))
      return {
        name,
        state: 'failed',
        text: `${place.location} is there, but ${markerKey} in it is gone: another disk, or one that is not mounted`,
        hint: 'mount the disk with the backups',
      }
    if (marker && marker.installation !== context.installation)
      return {
        name,
        state: 'warning',
        text: `${text} · it belongs to another installation`,
        hint: 'its backups are listed and never deleted; after a lost host, `easy-backup catalog sync` takes it over',
      }
    return passed(name, marker ? text : `${text} · no backup yet`)
  } catch (error) {
    const { message, hint } = asFault(error)
    return { name, state: 'failed', text: `${place.location}: ${message}`, hint }
  }
}
