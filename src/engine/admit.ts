import type { Strategy } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import type { Actor, RunView, Trigger } from '../core/model.ts'
import { nearest } from '../core/nearest.ts'
import type { Write } from '../state/database.ts'
import { keepingRuns } from '../state/results.ts'
import { findRun, insertRun, openRun, openRuns, type NewRun } from '../state/runs.ts'
import { listedSeries, type KnownSeries } from '../state/series.ts'
import { askedBatch } from './batch.ts'
import type { EngineContext } from './context.ts'
import { newRunId } from './restore/requests.ts'
import { backupLease, isWholeServer } from './series-scope.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'

/** Accepts a backup into the queue. @throws Fault busy, naming the run that is open */
export async function admitBackup(
  context: EngineContext,
  tx: Write,
  strategy: Strategy,
  {
    pin,
    prove,
    safetyFor,
    database,
    together,
    ...by
  }: {
    trigger: Trigger
    actor: Actor
    slotAt: number | null
    pin?: string
    prove?: true
    /** Who asked for the restore that it is made before. */
    safetyFor?: Actor
    /** Of a whole server only this one. */
    database?: string
    /** As in `askedBatch`. */
    together?: string
  },
): Promise<string> {
  const series =
    database === undefined ? null : await knownSeries(tx, strategy, { name: database, sure: prove })
  const isSlot = by.slotAt !== null // what of a server is under way then is left out when its list is there
  const of = series
    ? { strategy: strategy.name, series: series.name }
    : isWholeServer(strategy) && isSlot
      ? { strategy: strategy.name, series: '' }
      : strategy.name
  const open = await openRun(tx, 'backup', of) // a strategy never overlaps itself
  if (open)
    throw new Fault('busy', `a backup of ${database ?? strategy.name} is already under way`, {
      hint: `it is run ${open}: cancel it, or wait for its end`,
    })
  // Retry sends the dump that no place took; whoever asks for a backup, or a slot, gets a new one
  const isOne = series !== null || !isWholeServer(strategy)
  const [keeping] = by.trigger === 'retry' && isOne ? await keepingRuns(tx, of) : []
  const batch =
    together === undefined || !isOne
      ? null
      : await askedBatch(context, tx, { strategy: strategy.name, together })
  const id = newRunId(context)
  return insert(context, tx, {
    id,
    kind: 'backup',
    strategy: strategy.name,
    series: series?.name ?? '',
    ...by,
    lease: backupLease(strategy.name, series?.name ?? ''),
    params: {
      ...(!isOne && { group: id, batch: `batch/${id}` }),
      ...(batch !== null && { batch }),
      ...(series?.globals && { globals: true }),
      ...(keeping && { kept: keeping.id }),
      ...(pin !== undefined && { pin }),
      ...(prove && { prove }),
      ...(safetyFor && { safetyFor }),
    },
    maxAttempts: strategy.retry.maxAttempts,
  })
}

/** @param asked.sure  it was seen a moment ago, listed or not
 * @throws Fault usage (it has one database) · not-found, naming the nearest */
async function knownSeries(
  tx: Write,
  strategy: Strategy,
  { name, sure }: { name: string; sure: true | undefined },
): Promise<Pick<KnownSeries, 'name' | 'globals'>> {
  if (!isWholeServer(strategy))
    throw new Fault('usage', `${strategy.name} has one database`, { hint: 'leave --database out' })
  const known = await listedSeries(tx, strategy.name)
  const found = known.find((one) => one.name === name)
  if (found) return found
  if (sure || known.length === 0) return { name, globals: false }
  const near = nearest(
    name,
    known.map((one) => one.name),
  )
  throw new Fault('not-found', `${strategy.name} knows no database ${name.slice(0, 63)}`, {
    hint: near ? `did you mean ${near}?` : `a new one is found by \`run ${strategy.name}\``,
  })
}

/** Accepts a verification of every backup of a strategy. @throws Fault busy */
export async function admitVerifyAll(
  context: EngineContext,
  tx: Write,
  { strategy, level, actor }: { strategy: string; level: 'V1' | 'V2'; actor: Actor },
): Promise<string> {
  const lease = `verify-all/${strategy}`
  const open = (await openRuns(tx)).find((run) => run.lease === lease)
  if (open)
    throw new Fault('busy', `the backups of ${strategy} are already being verified`, {
      hint: `it is run ${open.id}`,
    })
  return insert(context, tx, {
    id: newRunId(context),
    kind: 'verify',
    strategy,
    series: strategy,
    trigger: 'person',
    actor,
    slotAt: null,
    lease,
    params: { all: true, level },
    maxAttempts: 1,
  })
}

/** Accepts a verification into the queue. @throws Fault busy, naming the run that verifies this backup */
export async function admitVerify(
  context: EngineContext,
  tx: Write,
  ask: {
    strategy: string
    series: string
    backup: string
    level: 'V1' | 'V2'
    /** Only the copy in this place; absent: in all. */
    storage?: string
    keyFile?: string
    trigger?: 'person' | 'schedule'
    actor: Actor
  },
): Promise<string> {
  const { backup, level, storage, keyFile, trigger = 'person', actor, strategy, series } = ask
  const lease = `verify/${backup}`
  const open = (await openRuns(tx)).find((run) => run.lease === lease)
  if (open) throw new Fault('busy', `${backup} is already being verified`, { hint: `it is run ${open.id}` })
  return insert(context, tx, {
    id: newRunId(context),
    kind: 'verify',
    strategy,
    series,
    trigger,
    actor,
    slotAt: null,
    lease,
    params: {
      backup,
      level,
      ...(storage !== undefined && { storage }),
      ...(keyFile !== undefined && { keyFile }),
    },
    maxAttempts: 1,
  })
}

/** Accepts a drill into the queue. Its lease is its own: a backup never waits for a drill, nor a drill for a backup.
 * @throws Fault busy, naming the run that drills this series */
export async function admitDrill(
  context: EngineContext,
  tx: Write,
  ask: {
    strategy: string
    series: string
    backup: string
    trigger: Trigger
    actor: Actor
    slotAt: number | null
  },
): Promise<string> {
  const { backup, strategy, series, ...by } = ask
  const lease = `drill/${strategy}/${series}`
  const open = (await openRuns(tx)).find((run) => run.lease === lease)
  if (open)
    throw new Fault('busy', `a drill of ${strategy} is already under way`, {
      hint: `it is run ${open.id}: cancel it, or wait for its end`,
    })
  const run = { kind: 'drill', strategy, series, ...by, lease, params: { backup }, maxAttempts: 1 } as const
  return insert(context, tx, { id: newRunId(context), ...run })
}

async function insert(context: EngineContext, tx: Write, run: NewRun): Promise<string> {
  await insertRun(tx, run, context.clock.now())
  await tellRun(context, tx, await viewIn(context, tx, run.id))
  return run.id
}

export async function viewIn(context: EngineContext, tx: Write, id: string): Promise<RunView> {
  const run = await findRun(tx, id)
  if (!run)
    throw new Fault('not-found', `there is no run ${id.slice(0, 40)}`, {
      hint: '`status` shows what is running',
    })
  return runView(context, run, tx)
}
