import type { Strategy } from '../core/config.ts'
import { isChosen, isNamed, saidInVain } from '../core/databases.ts'
import { Fault, faultFacts } from '../core/faults.ts'
import type { Series } from '../core/model.ts'
import type { Write } from '../state/database.ts'
import { assignSeries } from '../state/groups.ts'
import { endRun, findRun, insertRun, openRuns, type NewRun, type Run } from '../state/runs.ts'
import { noteSeries, seriesBefore, type SeriesNews } from '../state/series.ts'
import { startLines } from './batch.ts'
import { openSource, type EngineContext } from './context.ts'
import { newRunId } from './requests/ids.ts'
import { backupLease, isWholeServer } from './series-scope.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'
import type { Work } from './work.ts'

/** A backup of a whole server begins as one run, which asks for the list of its databases. Then, in one transaction, it becomes the
 * backup of the first of them, and every other one gets an accepted run of its own: whenever this process dies, either nobody has
 * begun, or every database has its run (decisions/0017). Another attempt, and a strategy of one database, find it done.
 * @throws Fault database-… when there is no list · database-missing when it has nothing that is chosen · busy */
export async function assigned(context: EngineContext, work: Work): Promise<Work> {
  const { strategy } = work
  if (!isWholeServer(strategy)) return work
  const now = await findRun(context.database.read, work.run.id)
  if (now && now.series !== '') return { ...work, run: asNow(work, now) }
  const list = await listOf(context, work)
  const warnings = vainWords(list)
  for (const warning of warnings) context.logs.append(work.run.id, `warning: ${warning}`)
  const { run, others } = await context.database.write((tx) => divide(context, tx, { work, list, warnings }))
  for (const other of others)
    context.bus.emit({ type: 'run.queued', run: other, kind: 'backup', strategy: strategy.name })
  return { ...work, run: asNow(work, run), warnings }
}

function asNow({ run }: Work, { series, lease, params }: Run): Run {
  return { ...run, series, lease, params }
}

/** What a server shows of the databases that are chosen. */
interface List {
  listed: Series[]
  /** What is not listed is gone. */
  complete: boolean
  vain: ReturnType<typeof saidInVain>
}

async function listOf(context: EngineContext, { strategy, run, folder, signal }: Work): Promise<List> {
  const source = await openSource(context, strategy, { id: run.id, folder })
  try {
    const listed = await source.series(signal)
    const complete = (await source.seesAll?.(signal)) ?? true
    const there = listed.filter(({ globals }) => !globals).map(({ name }) => name)
    if (there.length > 0) return { listed, complete, vain: saidInVain(strategy.source.databases!, there) }
    throw new Fault('database-missing', 'the server has no database that `databases` chooses', {
      hint: 'see include and exclude, and which databases this user may see',
    })
  } finally {
    await source.close()
  }
}

function vainWords({ vain }: List): string[] {
  return vain.patterns.map((pattern) => `include "${pattern}" chooses no database`)
}

interface Division {
  run: Run
  /** Runs that were accepted beside it. */
  others: string[]
}

async function divide(
  context: EngineContext,
  tx: Write,
  { work: { run, strategy }, list, warnings }: { work: Work; list: List; warnings: string[] },
): Promise<Division> {
  const at = context.clock.now()
  await refuseCancelled(tx, run)
  const unseen = await unseenOf(tx, strategy, list)
  const all = [...list.listed, ...unseen]
  const news = await noteSeries(tx, strategy.name, {
    listed: all.map(({ name, globals = false }) => ({ name, globals })),
    now: at,
  })
  const appeared = news.appeared.filter((name) => !unseen.some((one) => one.name === name))
  const taken = await takenSeries(tx, run)
  const own = all.find(({ name }) => !taken.has(name))
  if (!own)
    throw new Fault('busy', `every database of ${strategy.name} is still being backed up`, {
      hint: 'wait for the end of those runs, or cancel them',
    })
  const lease = backupLease(strategy.name, own.name)
  const params = { ...run.params, ...(own.globals && { globals: true as const }) }
  await assignSeries(tx, run.id, { series: own.name, lease, params, holder: context.self, at })
  const others = all.filter((one) => one !== own).map((one) => siblingOf(context, { run, strategy }, one))
  for (const other of others) await insertRun(tx, other, at)
  const now = (await findRun(tx, run.id))!
  await startLines(context, tx, {
    runs: [now, ...others],
    notes: [...notesOf({ ...news, appeared }), ...warnings],
    of: now,
  })
  await tellRun(context, tx, await runView(context, now, tx))
  const isTaken = (other: NewRun): boolean => taken.has(other.series)
  for (const other of others.filter(isTaken)) await endTaken(context, tx, other.id)
  return { run: now, others: others.filter((other) => !isTaken(other)).map(({ id }) => id) }
}

/** Whoever cancelled while the server was asked meant all of its databases. @throws Fault cancelled */
async function refuseCancelled(tx: Write, { id }: Run): Promise<void> {
  const by = (await findRun(tx, id))?.cancelledBy
  if (by)
    throw new Fault('cancelled', 'cancelled while the server listed its databases', { hint: `by ${by.id}` })
}

/** Not listed, and tried all the same, so that people hear why they cannot be backed up: what `include` spells out, and what a user
 * who does not see every database saw before. Gone is seen, never guessed (decisions/0017). */
async function unseenOf(tx: Write, strategy: Strategy, { listed, complete, vain }: List): Promise<Series[]> {
  const choice = strategy.source.databases!
  const before = complete ? [] : await seriesBefore(tx, strategy.name)
  const names = new Set([...vain.databases, ...before.filter((name) => isChosen(choice, name))])
  for (const { name } of listed) names.delete(name)
  return [...names].map((name) => ({ strategy: strategy.name, name, sole: false }))
}

/** Series whose backup from before is not over, or which a restore keeps for itself. */
async function takenSeries(tx: Write, run: Run): Promise<Set<string>> {
  const open = await openRuns(tx)
  const prefix = backupLease(run.strategy, '') + '/'
  const held = await tx.selectFrom('leases').select('key').where('key', 'like', `${prefix}%`).execute()
  const mine = open.filter(
    ({ id, kind, strategy, series }) =>
      id !== run.id && kind === 'backup' && strategy === run.strategy && series !== '',
  )
  return new Set([
    ...mine.map(({ series }) => series),
    ...held.filter(({ key }) => key.startsWith(prefix)).map(({ key }) => key.slice(prefix.length)),
  ])
}

function siblingOf(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy },
  { name, globals }: Series,
): NewRun {
  const { kept: _kept, globals: _globals, incident: _incident, ...params } = run.params
  return {
    id: newRunId(context),
    kind: 'backup',
    strategy: strategy.name,
    series: name,
    trigger: run.trigger,
    actor: run.actor,
    slotAt: null, // it is the slot of the run that asked for the list
    lease: backupLease(strategy.name, name),
    params: { ...params, ...(globals && { globals }) },
    maxAttempts: strategy.retry.maxAttempts,
  }
}

async function endTaken(context: EngineContext, tx: Write, id: string): Promise<void> {
  const fault = new Fault('busy', 'its backup before this one was not over')
  const end = { outcome: 'skipped', at: context.clock.now(), result: null, fault: faultFacts(fault) } as const
  await endRun(tx, id, end)
  await tellRun(context, tx, await runView(context, (await findRun(tx, id))!, tx))
}

/** What is different from the run before, said once. */
function notesOf({ appeared, vanished }: SeriesNews): string[] {
  return [
    ...(appeared.length > 0 ? [`new: ${appeared.join(', ')}`] : []),
    ...(vanished.length > 0 ? [`gone, its backups stay: ${vanished.join(', ')}`] : []),
  ]
}

/** A database that was dropped since the list was read is no failure: there is nothing left to back up. One that a person or `include`
 * names is expected to be there. */
export function isDropped(strategy: Strategy, { kind, series, params }: Run, fault: Fault): boolean {
  return (
    kind === 'backup' &&
    strategy.source.databases !== null &&
    params.group !== undefined &&
    series !== '' &&
    !isNamed(strategy.source.databases, series) &&
    !params.globals &&
    fault.code === 'database-missing'
  )
}
