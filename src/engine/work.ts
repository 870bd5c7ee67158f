import { Fault } from '../core/faults.ts'
import type { Run, RunChange } from '../state/runs.ts'
import type { Write } from '../state/database.ts'
import { listCopies, saveCopy } from '../state/catalogue.ts'
import type { Strategy } from '../core/config.ts'
import { backupOnce } from './backup.ts'
import { copyOf } from './catalogue.ts'
import { storageOf, type EngineContext } from './context.ts'
import { prune } from './prune.ts'
import type { Pulse } from './pulse.ts'
import { restoreBeside } from './restore/beside.ts'
import { tellNotice } from './tell.ts'
import { asFault } from '../core/faults.ts'
import { verifyCopy } from './verify.ts'
import { keepsUntil } from './views.ts'

export interface Work {
  run: Run
  strategy: Strategy
  folder: string
  pulse: Pulse
  signal: AbortSignal
  change: (columns: RunChange) => Promise<void>
}

/** What a piece of work leaves to be written with its end. */
export interface WorkResult {
  result: NonNullable<Run['result']>
  /** Written in the transaction that ends the run. */
  commit(tx: Write): Promise<void>
  /** Done after the run has ended; its failure is its own. @param signal the service stops */
  after?: (signal: AbortSignal) => Promise<void>
}

/** One attempt at whatever the run is for. */
export function workOn(context: EngineContext, work: Work): Promise<WorkResult> {
  switch (work.run.kind) {
    case 'backup':
      return backup(context, work)
    case 'verify':
      return verify(context, work)
    case 'restore':
      return restoreBeside(context, work)
  }
}

async function backup(context: EngineContext, work: Work): Promise<WorkResult> {
  const { strategy, run } = work
  const onEngine = (engine: string, series: { name: string }): Promise<void> =>
    work.change({ engine, series: series.name })
  const { manifest, result } = await backupOnce(context, { ...work, onEngine })
  const [previous] = await listCopies(context.database.read, {
    strategies: [strategy.name],
    series: manifest.series,
    limit: 1,
  })
  const sizeChange =
    previous && previous.manifest.storedBytes > 0
      ? manifest.storedBytes / previous.manifest.storedBytes - 1
      : null
  const keptUntil = keepsUntil(strategy.retention, Date.parse(manifest.startedAt))
  return {
    result: { backup: { ...result, keepsUntil: keptUntil, sizeChange } },
    commit: async (tx) => {
      for (const name of strategy.storages)
        await saveCopy(tx, copyOf(context, storageOf(context, name), manifest))
    },
    after: async (signal) => {
      context.bus.emit({
        type: 'backup.stored',
        run: run.id,
        strategy: strategy.name,
        backup: manifest.id,
        storedBytes: manifest.storedBytes,
        rawBytes: manifest.rawBytes,
      })
      await pruneLoudly(context, { strategy, series: manifest.series }, signal)
    },
  }
}

/** A failed prune is said, and never turns a good backup bad. */
async function pruneLoudly(
  context: EngineContext,
  { strategy, series }: { strategy: Strategy; series: string },
  stopping: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(10 * 60_000)])
  try {
    const places = await prune(context, strategy, series, signal)
    const count = places.reduce((sum, { deleted }) => sum + deleted.length, 0)
    if (count > 0) context.log.info('old backups deleted', { strategy: strategy.name, count })
    const frozen = places.find((place) => place.frozen !== null)
    if (frozen) await tellPrune(context, strategy, `${frozen.frozen}, in ${frozen.storage}`)
  } catch (error) {
    if (stopping.aborted) return // the next backup prunes again
    const { message, hint } = asFault(error)
    context.log.error('deleting old backups failed', { strategy: strategy.name, error: message })
    await tellPrune(context, strategy, hint ? `${message}. ${hint}` : message)
  }
}

async function tellPrune(context: EngineContext, { name }: Strategy, why: string): Promise<void> {
  const text = context.scrub(`The new backup is fine, but old ones were not deleted: ${why}`)
  const today = new Date(context.clock.now()).toISOString().slice(0, 10)
  await context.database.write((tx) =>
    tellNotice(context, tx, {
      key: `prune/${name}/${today}`, // once a day is loud enough
      strategy: name,
      title: `${name}: old backups were not deleted`,
      text,
      urgent: true,
    }),
  )
}

async function verify(context: EngineContext, work: Work): Promise<WorkResult> {
  const { backup: id, level = 'V2' } = work.run.params
  const copies = await listCopies(context.database.read, { id: id ?? '' })
  const copy = copies.find((candidate) => context.storages.has(candidate.storage))
  if (!copy) throw new Fault('not-found', `backup ${id} is no longer in the catalogue`)
  const result = await verifyCopy(context, { ...work, copy, level })
  return { result: { verify: result }, commit: async () => undefined }
}
