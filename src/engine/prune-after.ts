import type { Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { listedSeries } from '../state/series.ts'
import type { EngineContext } from './context.ts'
import { settlePins } from './pins.ts'
import { prune, type Pruned } from './prune.ts'
import { tellNotice } from './tell.ts'

const longestMs = 10 * 60_000 // the next backup goes on

/** Lets old backups go once a new one counts, with `listed` also those of databases that the server no longer has. A failed prune is said, once a day for each reason, and never turns a good backup bad. */
export async function pruneAfterBackup(
  context: EngineContext,
  { strategy, series, listed }: { strategy: Strategy; series: string; listed?: boolean },
  stopping: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(longestMs)])
  try {
    await settlePins(context, signal) // of `run --pin`, and of places that were away
    const due = [series, ...(listed ? await goneSeries(context, strategy) : [])]
    for (const one of due)
      for (const place of await prune(context, strategy, one, signal))
        await tellPruned(context, strategy, place)
  } catch (error) {
    if (stopping.aborted) return // the next backup prunes again
    const why = asFault(error).message
    context.log.error('deleting old backups failed', { strategy: strategy.name, error: why })
    await tellHeld(context, strategy, { ground: 'stopped', why })
  }
}

/** No new backup of these comes any more that their old ones could wait for: they have their turn with the list. */
async function goneSeries({ database }: EngineContext, { name }: Strategy): Promise<string[]> {
  const known = await listedSeries(database.read, name)
  return known.filter(({ goneAt }) => goneAt !== null).map((series) => series.name)
}

async function tellPruned(context: EngineContext, strategy: Strategy, place: Pruned): Promise<void> {
  const { storage, deleted, frozen, failure } = place
  const about = { strategy: strategy.name, storage }
  if (deleted.length > 0) context.log.info('old backups deleted', { ...about, count: deleted.length })
  if (frozen !== null) {
    context.log.warn('deleting old backups is frozen', { ...about, why: frozen })
    const ground = `frozen-${slug(frozen.split(':')[1] ?? '')}`
    await tellHeld(context, strategy, { ground: `${storage}/${ground}`, why: `${frozen}, in ${storage}` })
  }
  if (failure === null) return
  const { code, message, hint } = failure
  context.log.error('deleting old backups failed', { ...about, error: message })
  const why = `${message}, in ${storage}${hint ? `. ${hint}` : ''}`
  await tellHeld(context, strategy, { ground: `${storage}/${code}`, why })
}

async function tellHeld(
  context: EngineContext,
  { name }: Strategy,
  { ground, why }: { ground: string; why: string },
): Promise<void> {
  const today = new Date(context.clock.now()).toISOString().slice(0, 10)
  await context.database.write((tx) =>
    tellNotice(context, tx, {
      key: `prune/${name}/${today}/${ground}`,
      strategy: name,
      title: `${name}: old backups were not deleted`,
      text: context.scrub(`The new backup is fine, but old ones were not deleted: ${why}`),
      urgent: true,
    }),
  )
}

function slug(words: string): string {
  return words.trim().replaceAll(/[^a-z]+/g, '-')
}
