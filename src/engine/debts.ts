import type { Strategy } from '../core/config.ts'
import { parseBackupId } from '../core/keys.ts'
import { serviceActor } from '../core/model.ts'
import { judge, retentionIn } from '../core/retention.ts'
import { listCopies, type Copy } from '../state/catalogue.ts'
import type { Write } from '../state/database.ts'
import { findMessage } from '../state/messages.ts'
import { listDebts, settleDebt, type Debt } from '../state/owed.ts'
import { runOfBackup, saveResult } from '../state/results.ts'
import { insertRun, openRuns } from '../state/runs.ts'
import { goneAt } from '../state/series.ts'
import type { EngineContext } from './context.ts'
import { isWholeServer } from './series-scope.ts'
import { newRunId } from './restore/requests.ts'
import { cardKey, tellRun } from './tell.ts'
import { runView } from './views.ts'

export const firstRetryMs = 60_000
const longestRetryMs = 60 * 60_000
const longestWaitMs = 2 * longestRetryMs // nobody waits as long: the clock was ahead when this was written
const copiesAtOnce = 2 // of the side work, so that a person's restore finds room

/** Growing pauses: a place that was away for a moment catches up soon, one that is away for days is not asked all the time. */
export function retryDelayMs(tries: number): number {
  return Math.min(longestRetryMs, firstRetryMs * 2 ** tries)
}

/** One look at what is owed: what is due becomes a copy run, newest backup first, one at a time in each place; what cannot or need
 * not be copied is settled with its reason.
 * @returns the runs that were queued */
export async function lookAfterDebts(context: EngineContext): Promise<string[]> {
  const now = context.clock.now()
  const due = (await listDebts(context.database.read)).filter(
    ({ retryAt }) => retryAt <= now || retryAt > now + longestWaitMs,
  )
  if (due.length === 0) return []
  const open = (await openRuns(context.database.read)).filter(({ kind }) => kind === 'copy')
  const busy = new Set(open.map(({ params }) => params.storage))
  const queued: string[] = []
  for (const debt of due) {
    if (busy.has(debt.storage) || busy.size >= copiesAtOnce) continue
    const what = await weighDebt(context, debt)
    if ('settled' in what)
      await context.database.write((tx) => settle(context, tx, { debt, why: what.settled }))
    else {
      queued.push(await queueCopy(context, debt, what))
      busy.add(debt.storage)
    }
  }
  return queued
}

/** What a copy run works with; or why there is nothing to copy, null = the place has it. */
export type Weighed = { strategy: Strategy; copies: Copy[] } | { settled: string | null }

/** A copy is made only where that place's own retention would keep it. */
export async function weighDebt(
  context: EngineContext,
  { backup, storage }: Pick<Debt, 'backup' | 'storage'>,
): Promise<Weighed> {
  const name = parseBackupId(backup)?.strategy
  const strategy = context.config.strategies.find((candidate) => candidate.name === name)
  if (!strategy?.storages.includes(storage)) return { settled: `${storage} is no longer a place for it` }
  const all = await listCopies(context.database.read, { id: backup })
  const good = all.filter(({ corrupt }) => corrupt === null)
  if (good.some((copy) => copy.storage === storage)) return { settled: null }
  const copies = good.filter((copy) => context.storages.has(copy.storage))
  if (copies.length === 0) return { settled: 'no good copy is left to copy from' }
  const refused = await refusedByRetention(context, { strategy, storage, copy: copies[0]! })
  return refused === null ? { strategy, copies } : { settled: refused }
}

async function refusedByRetention(
  context: EngineContext,
  { strategy, storage, copy }: { strategy: Strategy; storage: string; copy: Copy },
): Promise<string | null> {
  const there = await listCopies(context.database.read, {
    strategies: [strategy.name],
    series: copy.series,
    storage,
  })
  const candidates = [...there.filter(({ id }) => id !== copy.id), copy].map((one) => ({
    id: one.id,
    createdAt: one.createdAt,
    good: one.corrupt === null,
    foreign: one.foreign,
    pin: one.pin ?? null,
  }))
  const policy = retentionIn(strategy, storage)
  // a frozen place keeps everything, so the schedule says nothing here
  const now = context.clock.now()
  const at = isWholeServer(strategy) ? await goneAt(context.database.read, strategy.name, copy.series) : null
  const circumstances = {
    now,
    timezone: strategy.timezone,
    intervalMs: null,
    listed: true,
    gone: at === null ? null : { at, others: { newestAt: now, earlierAt: now } },
  }
  const judgement = judge(candidates, policy, circumstances).find(({ id }) => id === copy.id)!
  return judgement.keep ? null : `${storage} would not keep it: ${judgement.reason}`
}

async function queueCopy(
  context: EngineContext,
  { backup, storage }: Debt,
  { strategy, copies }: { strategy: Strategy; copies: Copy[] },
): Promise<string> {
  const id = newRunId(context)
  const run = {
    id,
    kind: 'copy',
    strategy: strategy.name,
    series: copies[0]!.series,
    trigger: 'retry',
    actor: serviceActor,
    slotAt: null,
    lease: `copy/${backup}/${storage}`,
    params: { backup, storage },
    maxAttempts: 1, // the debt itself is tried again, with growing pauses
  } as const
  await context.database.write((tx) => insertRun(tx, run, context.clock.now()))
  context.bus.emit({ type: 'run.queued', run: id, kind: 'copy', strategy: strategy.name })
  return id
}

/** Ends a debt, and says so where the backup was told.
 * @param why  null = the place has it now */
export async function settle(
  context: EngineContext,
  tx: Write,
  { debt: { backup, storage }, why }: { debt: Pick<Debt, 'backup' | 'storage'>; why: string | null },
): Promise<void> {
  if (!(await settleDebt(tx, backup, storage))) return
  await retell(context, tx, backup, (result) => ({
    ...result,
    storages: why === null ? [...new Set([...result.storages, storage])] : result.storages,
    owed: result.owed.filter((owed) => owed.storage !== storage),
    settled: [...(result.settled ?? []), { storage, at: context.clock.now(), why }],
  }))
}

/** Why a place still owes a backup. */
export async function tellWhy(
  context: EngineContext,
  tx: Write,
  { backup, storage, why }: Pick<Debt, 'backup' | 'storage' | 'why'>,
): Promise<void> {
  await retell(context, tx, backup, (result) => ({
    ...result,
    owed: result.owed.map((owed) => (owed.storage === storage ? { storage, why } : owed)),
  }))
}

type Result = NonNullable<NonNullable<Awaited<ReturnType<typeof runOfBackup>>>['result']>['backup'] & object

/** An edit of the backup's own messages, never a new one: what was said long ago is not said again. */
async function retell(
  context: EngineContext,
  tx: Write,
  backup: string,
  change: (result: Result) => Result,
): Promise<void> {
  const run = await runOfBackup(tx, parseBackupId(backup)?.strategy ?? '', backup)
  if (!run?.result?.backup) return
  const result = { ...run.result, backup: change(run.result.backup) }
  await saveResult(tx, run.id, result)
  if (await findMessage(tx, cardKey(run.id)))
    await tellRun(context, tx, await runView(context, { ...run, result }, tx))
}
