import type { Strategy } from '../../core/config.ts'
import { asFault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import { forget, recallAll, remember } from '../../state/memory.ts'
import { openRuns } from '../../state/runs.ts'
import { isAlive } from '../../sys/strays.ts'
import { driverOf, openSource, runFolder, type EngineContext } from '../context.ts'
import { tellNotice } from '../tell.ts'
import type { Work } from '../work.ts'
import { scratchPlace } from './scratch-place.ts'
import { databaseOf } from '../series-scope.ts'

/** A copy of a database on a server that is not ours: known until it is gone, whatever becomes of the strategy and the backup. */
interface Left {
  strategy: string
  kind: string
  /** Without user and password; who may ask there is configured. */
  endpoint: string
  backup: Manifest
  stamp: string
  /** Epoch ms; null: nobody has tried yet. */
  retryAt: number | null
}

const prefix = 'drill-left/'
const sweepMs = 60_000 // a large database may take its time to be dropped
const retryMs = 10 * 60_000

/** Before anything is made there. @returns to be called when it is gone */
export async function rememberLeft(
  context: EngineContext,
  { strategy, run }: Pick<Work, 'strategy' | 'run'>,
  manifest: Manifest,
): Promise<() => Promise<void>> {
  const url = strategy.drill?.databaseUrl ?? null
  if (url === null) return async () => undefined
  const { kind } = strategy.source
  const left: Left = {
    strategy: strategy.name,
    kind,
    endpoint: endpointOf(context, kind, url),
    backup: { ...manifest, tables: null },
    stamp: scratchPlace(url, run).stamp,
    retryAt: null,
  }
  await save(context, run.id, left)
  return () => context.database.write((tx) => forget(tx, prefix + run.id))
}

/** Drops what drills that ended, or died, could not drop, until that succeeds. Loud when it fails, nobody's failure. */
export async function sweepLeft(context: EngineContext): Promise<void> {
  const all = await recallAll(context.database.read, prefix)
  if (all.length === 0) return
  const open = await openRuns(context.database.read)
  for (const { key, value } of all) {
    const run = key.slice(prefix.length)
    const left = JSON.parse(value) as Left
    const isWorkedOn = open.some(({ id, holder }) => id === run && holder && isAlive(holder))
    if (!isWorkedOn && (left.retryAt ?? 0) <= context.clock.now()) await sweepOne(context, run, left)
  }
}

async function sweepOne(context: EngineContext, run: string, left: Left): Promise<void> {
  const why = await dropped(context, run, left)
  if (why === null) return context.database.write((tx) => done(context, tx, { run, left }))
  context.log.warn('what a drill left on its server could not be removed', { run, error: why })
  await save(context, run, { ...left, retryAt: context.clock.now() + retryMs })
  if (left.retryAt !== null) return // people know
  const text = `a copy of ${left.backup.database} may still be on ${left.endpoint}, its name ends in _drill_${left.stamp}: ${why}. It is tried again every ten minutes; or drop it by hand`
  await context.database.write((tx) => tell(context, tx, { run, left, text, urgent: true }))
}

/** @returns why it is not gone */
async function dropped(context: EngineContext, run: string, left: Left): Promise<string | null> {
  const strategy = ableStrategy(context, left)
  if (!strategy) return 'no strategy names that server in drill.database_url any more'
  const source = await openSource(context, strategy, {
    id: run,
    folder: runFolder(context, run),
    ...databaseOf(strategy, left.backup),
  })
  try {
    const place = { url: strategy.drill!.databaseUrl, stamp: left.stamp }
    await source.scratch?.sweep(left.backup, place, AbortSignal.timeout(sweepMs))
    return null
  } catch (error) {
    return context.scrub(asFault(error).message)
  } finally {
    await source.close()
  }
}

/** The strategy may have another name or another server by now. */
function ableStrategy(context: EngineContext, { strategy, kind, endpoint }: Left): Strategy | null {
  const able = context.config.strategies.filter(({ source, drill }) => {
    const url = drill?.databaseUrl ?? null
    return url !== null && source.kind === kind && endpointOf(context, kind, url) === endpoint
  })
  return able.find(({ name }) => name === strategy) ?? able[0] ?? null
}

function endpointOf(context: EngineContext, kind: string, url: string): string {
  const facts = driverOf(context, kind).parseUrl(url)
  return 'endpoint' in facts ? facts.endpoint : ''
}

type Write = Parameters<typeof tellNotice>[1]

async function done(
  context: EngineContext,
  tx: Write,
  { run, left }: { run: string; left: Left },
): Promise<void> {
  await forget(tx, prefix + run)
  if (left.retryAt === null) return // nobody was told
  const text = `the copy of ${left.backup.database} on ${left.endpoint} is gone now`
  await tell(context, tx, { run, left, text, urgent: false })
}

async function tell(
  context: EngineContext,
  tx: Write,
  { run, left, text, urgent }: { run: string; left: Left; text: string; urgent: boolean },
): Promise<void> {
  const isKnown = context.config.strategies.some(({ name }) => name === left.strategy)
  const title = `What a drill of ${left.strategy} left behind`
  const key = `${prefix}${run}${urgent ? '' : '/gone'}`
  await tellNotice(context, tx, { key, strategy: isKnown ? left.strategy : null, title, text, urgent })
}

async function save(context: EngineContext, run: string, left: Left): Promise<void> {
  await context.database.write((tx) => remember(tx, prefix + run, JSON.stringify(left)))
}
