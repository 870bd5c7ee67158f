import { channelFor, mostApart, type BatchLine, type BatchView, type Message } from '../core/messages.ts'
import { outcomes, type RunView } from '../core/model.ts'
import { oddWords } from '../core/odd-words.ts'
import type { Read, Write } from '../state/database.ts'
import { findMessage, isPosted, owe } from '../state/messages.ts'
import type { Run, RunParams } from '../state/runs.ts'
import type { EngineContext } from './context.ts'

const windowMs = 60_000 // of scheduled starts

/** What one message holds with every run named in it: Slack's limits are on the characters of a message and on the rows of a
 * table (slack.md §2). What is more begins another batch. */
export const batchLimits = { lines: 200, characters: 8_000, perLine: 13 } as const

const whyCharacters = 160

/** A scheduled backup was accepted: is it one of many?
 * @returns the key of the message that tells it with the others; null = it has a thread of its own */
export async function gather(context: EngineContext, tx: Write, run: RunView): Promise<string | null> {
  if (run.state !== 'queued' || !isScheduled(run.trigger)) return null
  const channel = channelOf(context, run.strategy)
  if (channel === null) return null
  const recent = (await recentStarts(tx, run.queuedAt)).filter(
    (one) => one.id !== run.id && channelOf(context, one.strategy) === channel,
  )
  const open = recent.findLast(({ params }) => params.batch !== undefined)?.params.batch
  if (open !== undefined && (await hasRoom(tx, open, run))) {
    await assign(tx, run.id, open)
    return open
  }
  const apart = recent.filter(({ params }) => params.batch === undefined)
  return apart.length < mostApart ? null : begin(context, tx, { run, others: apart.map(({ id }) => id) })
}

const isScheduled = (trigger: string): boolean => trigger === 'schedule' || trigger === 'catch-up'

/** Where the threads of a strategy's runs are; null without Slack. */
function channelOf({ config }: EngineContext, name: string): string | null {
  const routing = config.strategies.find((one) => one.name === name)?.slack ?? config.slack?.routing
  return routing ? channelFor(routing, 'success') : null
}

interface Start {
  id: string
  strategy: string
  params: RunParams
}

/** Oldest first. */
async function recentStarts(db: Read, now: number): Promise<Start[]> {
  const rows = await db
    .selectFrom('runs')
    .select(['id', 'strategy', 'params'])
    .where('kind', '=', 'backup')
    .where('trigger', 'in', ['schedule', 'catch-up'])
    .where('params', 'not like', '%"group":%') // a server has a thread of its own
    .where('queued_at', '>', now - windowMs)
    .orderBy('seq', 'desc')
    .limit(batchLimits.lines + mostApart)
    .execute()
  return rows.reverse().map((row) => ({ ...row, params: JSON.parse(row.params) as RunParams }))
}

async function hasRoom(tx: Write, key: string, run: RunView): Promise<boolean> {
  const batch = viewIn(await findMessage(tx, key))
  return batch !== null && batch.catchUp === (run.trigger === 'catch-up') && fits(batch, run.strategy)
}

function fits({ lines }: BatchView, strategy: string): boolean {
  const used = lines.reduce((sum, line) => sum + line.strategy.length + batchLimits.perLine, 0)
  return (
    lines.length < batchLimits.lines && used + strategy.length + batchLimits.perLine <= batchLimits.characters
  )
}

/** Somebody started several by one word: one message tells them all.
 * @param asked.together  the same for all of them
 * @returns its key; null = each has a thread of its own */
export async function askedBatch(
  context: EngineContext,
  tx: Write,
  { strategy, together }: { strategy: string; together: string },
): Promise<string | null> {
  const channel = channelOf(context, strategy)
  if (channel === null) return null
  for (let part = 1; ; part++) {
    const key = `batch/asked/${together}/${channel}/${part}`
    const known = viewIn(await findMessage(tx, key))
    if (known === null || fits(known, strategy)) return key
  }
}

/** The first of them may be seen already: those keep their threads. */
async function begin(
  context: EngineContext,
  tx: Write,
  { run, others }: { run: RunView; others: string[] },
): Promise<string> {
  const key = `batch/${run.id}`
  const lines: BatchLine[] = []
  for (const id of others) {
    const card = await findMessage(tx, `run/${id}/card`)
    if (card?.body.type !== 'run.card' || (await isPosted(tx, card.key))) continue
    await assign(tx, id, key)
    for (const message of [card, await findMessage(tx, `run/${id}/progress`)])
      if (message !== null) await owe(tx, among(message, key), context.clock.now())
    lines.push(lineOf(card.body.run))
  }
  await assign(tx, run.id, key)
  const { queuedAt: startedAt, timezone, trigger, strategy } = run
  const batch = {
    startedAt,
    timezone,
    catchUp: trigger === 'catch-up',
    lines: [...lines, lineOf(run)],
  }
  await oweBatch(context, tx, { key, strategy, batch })
  return key
}

/** What was owed of a run that is one of many from now on. */
function among(message: Message, batch: string): Message {
  const { body } = message
  if (body.type !== 'run.card' && body.type !== 'run.progress') return message
  return { ...message, body: { ...body, run: { ...body.run, batch } } }
}

async function assign(tx: Write, id: string, batch: string): Promise<void> {
  const row = await tx.selectFrom('runs').select('params').where('id', '=', id).executeTakeFirstOrThrow()
  const params = JSON.stringify({ ...(JSON.parse(row.params) as RunParams), batch })
  await tx.updateTable('runs').set({ params }).where('id', '=', id).execute()
}

/** Writes a run's line as it is now. */
export async function tellLine(
  context: EngineContext,
  tx: Write,
  run: RunView & { batch: string },
): Promise<void> {
  const found = await findMessage(tx, run.batch)
  const known = viewIn(found)
  const { queuedAt: startedAt, timezone, trigger } = run
  const batch = known ?? {
    startedAt,
    timezone,
    catchUp: trigger === 'catch-up',
    lines: [],
    ...(run.group !== undefined && { server: serverOf(run) }),
    ...(run.group === undefined && trigger === 'person' && { asked: run.actor }),
  }
  const at = batch.lines.findIndex((line) => line.run === run.id)
  const lines = at === -1 ? [...batch.lines, lineOf(run)] : batch.lines.with(at, again(batch.lines[at]!, run))
  const strategy = found?.strategy ?? run.strategy
  await oweBatch(context, tx, { key: run.batch, strategy, batch: { ...batch, lines } })
}

function serverOf({ strategy, trigger, actor, nextAt }: RunView): NonNullable<BatchView['server']> {
  return { strategy, trigger, actor, nextAt, notes: [] }
}

/** The list of a server's databases is there: each has its line from now on, in one edit. */
export async function startLines(
  context: EngineContext,
  tx: Write,
  {
    of,
    runs,
    notes,
  }: { of: Run; runs: readonly (Pick<Run, 'id' | 'strategy' | 'series'> & Partial<Run>)[]; notes: string[] },
): Promise<void> {
  const key = of.params.batch
  const batch = key === undefined ? null : viewIn(await findMessage(tx, key))
  if (!batch?.server) return
  const lines = runs.map(({ id, strategy, series, params, state = 'queued' }) => ({
    run: id,
    strategy,
    database: series,
    ...(params?.globals && { globals: true as const }),
    state,
    endedAt: null,
    tookMs: null,
    storedBytes: null,
    backup: null,
    why: null,
  }))
  const now = { ...batch, lines, server: { ...batch.server, notes } }
  await oweBatch(context, tx, { key: key!, strategy: of.strategy, batch: now })
}

async function oweBatch(
  context: EngineContext,
  tx: Write,
  { key, strategy, batch }: { key: string; strategy: string; batch: BatchView },
): Promise<void> {
  const over = batch.lines.every(({ state }) => (outcomes as readonly string[]).includes(state))
  await owe(
    tx,
    {
      key,
      strategy,
      audience: 'success',
      parent: null,
      priority: over ? 2 : 3, // an end, or a start
      body: { type: 'batch', batch },
    },
    context.clock.now(),
  )
}

function viewIn(message: Message | null): BatchView | null {
  return message?.body.type === 'batch' ? message.body.batch : null
}

function lineOf(run: RunView): BatchLine {
  const { id, strategy, state, startedAt, endedAt, backup } = run
  return {
    run: id,
    strategy,
    ...(run.database !== undefined && { database: run.database }),
    state,
    endedAt,
    tookMs: startedAt === null || endedAt === null ? null : endedAt - startedAt,
    storedBytes: backup?.storedBytes ?? null,
    backup: backup?.id ?? null,
    why: whyOf(run)?.slice(0, whyCharacters) ?? null,
  }
}

function again({ globals }: BatchLine, run: RunView): BatchLine {
  return { ...lineOf(run), ...(globals && { globals }) }
}

function whyOf({ state, fault, backup }: RunView): string | null {
  if (state === 'succeeded') return oddWords(backup?.odd ?? []) || null
  return fault?.text ?? null
}
