import { Fault } from '../core/faults.ts'
import type { Actor, Level, RunView, Trigger } from '../core/model.ts'
import { runsOfGroup } from '../state/groups.ts'
import { endRun, findRun, openRuns, requestCancel, type Run } from '../state/runs.ts'
import { admitBackup, admitDrill, admitVerify, admitVerifyAll, viewIn } from './admit.ts'
import { findBackup } from './catalogue.ts'
import { strategyOf, type EngineContext } from './context.ts'
import type { Engine } from './facade.ts'
import { settleRequest } from './requests/runs.ts'
import { notOfADatabase } from './restore/plan.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'

type StartBackup = Parameters<Engine['startBackup']>
type StartVerify = Parameters<Engine['startVerify']>

const watchMs = 250 // how often a watcher looks; a progress bar needs no more

export async function startBackup(
  context: EngineContext,
  name: StartBackup[0],
  by: StartBackup[1],
): Promise<RunView> {
  const strategy = strategyOf(context, name)
  const view = await context.database.write(async (tx) =>
    viewIn(context, tx, await admitBackup(context, tx, strategy, { ...by, slotAt: null })),
  )
  context.bus.emit({ type: 'run.queued', run: view.id, kind: 'backup', strategy: name })
  return view
}

export async function startVerify(
  context: EngineContext,
  ask: { backup: StartVerify[0]; how: StartVerify[1]; actor: Actor },
): Promise<RunView> {
  const { view } = await findBackup(context, ask.backup, null)
  const { name } = strategyOf(context, view.strategy)
  const how = typeof ask.how === 'string' ? { level: ask.how, keyFile: null } : ask.how
  const work = {
    strategy: name,
    series: view.series,
    backup: view.id,
    level: how.level === 'V1' ? 'V1' : 'V2',
    ...(how.keyFile !== null && { keyFile: how.keyFile }),
    actor: ask.actor,
  } as const
  return context.database.write(async (tx) => viewIn(context, tx, await admitVerify(context, tx, work)))
}

export async function startVerifyAll(
  context: EngineContext,
  ask: { strategy: string; level: Level; actor: Actor },
): Promise<RunView> {
  const { name } = strategyOf(context, ask.strategy)
  const work = { strategy: name, level: ask.level === 'V2' ? 'V2' : 'V1', actor: ask.actor } as const
  return context.database.write(async (tx) => viewIn(context, tx, await admitVerifyAll(context, tx, work)))
}

export async function startDrill(
  context: EngineContext,
  ask: { strategy: string; backup: string | null; trigger: Trigger; actor: Actor },
): Promise<RunView> {
  const { name } = strategyOf(context, ask.strategy)
  const { view: backup, copies } = await findBackup(context, ask.backup ?? 'latest', name)
  if (copies[0]!.manifest.globals) throw notOfADatabase(backup)
  const work = { ...ask, series: backup.series, backup: backup.id, slotAt: null }
  const view = await context.database.write(async (tx) =>
    viewIn(context, tx, await admitDrill(context, tx, work)),
  )
  context.bus.emit({ type: 'run.queued', run: view.id, kind: 'drill', strategy: name })
  return view
}

/** @param id a run's id or its last four characters. @throws Fault not-found */
export async function askedRun(context: EngineContext, id: string): Promise<RunView> {
  const found = (await findRun(context.database.read, id)) ?? (await runBySuffix(context, id))
  if (found) return runView(context, found)
  throw new Fault('not-found', `there is no run ${id.slice(0, 40)}`, {
    hint: '`status` shows what is running',
  })
}

/** @param without  those that are known to have ended */
export async function groupViews(
  context: EngineContext,
  group: string,
  without: readonly string[],
): Promise<RunView[]> {
  const views: RunView[] = []
  for (const run of await runsOfGroup(context.database.read, group))
    if (!without.includes(run.id)) views.push(await runView(context, run))
  return views
}

async function runBySuffix(context: EngineContext, id: string): Promise<Run | null> {
  if (!/^[a-z0-9]{4}$/.test(id)) return null
  const db = context.database.read
  const like = db.selectFrom('runs').select('id').where('id', 'like', `%${id}`)
  const rows = await like.orderBy('seq', 'desc').limit(2).execute()
  return rows.length === 1 ? findRun(db, rows[0]!.id) : null
}

export async function* watchRun(
  context: EngineContext,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<RunView> {
  for (let last = ''; ; await context.clock.sleep(watchMs, signal)) {
    const view = await askedRun(context, id)
    const text = JSON.stringify(view)
    if (text !== last) yield view
    last = text
    if (view.endedAt !== null) return
  }
}

/** A queued run ends here; a running one is told through its row, whichever process holds it. */
export async function cancelRun(
  context: EngineContext,
  idOrStrategy: string,
  actor: Actor,
): Promise<RunView> {
  const open = await openRunsOf(context, idOrStrategy)
  const [id, ...others] = open
  for (const other of others) await cancelOne(context, other, actor)
  const view = await cancelOne(context, id!, actor)
  if (view.strategy === idOrStrategy)
    for (const other of await grownFrom(context, open)) await cancelOne(context, other, actor)
  return view
}

/** A list may have become runs since these were looked at; from now on it cannot. */
async function grownFrom({ database }: EngineContext, asked: readonly string[]): Promise<string[]> {
  const isNew = ({ id, params: { group } }: Run): boolean =>
    group !== undefined && asked.includes(group) && !asked.includes(id)
  return (await openRuns(database.read)).filter(isNew).map(({ id }) => id)
}

async function cancelOne(context: EngineContext, id: string, actor: Actor): Promise<RunView> {
  const view = await context.database.write(async (tx) => {
    await requestCancel(tx, id, actor)
    const found = await findRun(tx, id)
    if (found?.state !== 'queued') return viewIn(context, tx, id)
    const fault = { code: 'cancelled', text: 'cancelled before it started', hint: `by ${actor.id}` } as const
    await endRun(tx, id, { outcome: 'cancelled', at: context.clock.now(), result: null, fault })
    await settleRequest(context, tx, (await findRun(tx, id))!)
    const ended = await viewIn(context, tx, id)
    await tellRun(context, tx, ended)
    return ended
  })
  if (view.startedAt === null && view.endedAt !== null) emitEnd(context, view)
  return view
}

function emitEnd(context: EngineContext, { id: run, kind, strategy, fault }: RunView): void {
  const code = fault?.code ?? null
  context.bus.emit({ type: 'run.ended', run, kind, strategy, outcome: 'cancelled', code, tookMs: 0 })
}

/** A run; or what of a strategy is running, which of a whole server are many. */
async function openRunsOf(context: EngineContext, idOrStrategy: string): Promise<string[]> {
  if (!context.config.strategies.some((strategy) => strategy.name === idOrStrategy))
    return [(await askedRun(context, idOrStrategy)).id]
  const all = (await openRuns(context.database.read)).filter((one) => one.strategy === idOrStrategy)
  const backups = all.filter((one) => one.kind === 'backup')
  const open = backups.length > 0 ? backups : all.slice(0, 1)
  if (open.length > 0) return open.map(({ id }) => id)
  throw new Fault('not-found', `nothing of ${idOrStrategy} is running`, {
    hint: '`status` shows what is running',
  })
}
