import type { Audience } from '../core/messages.ts'
import type { RunView } from '../core/model.ts'
import type { Write } from '../state/database.ts'
import { runsOfGroup } from '../state/groups.ts'
import { owe } from '../state/messages.ts'
import { gather, tellLine } from './batch.ts'
import type { EngineContext } from './context.ts'

export const cardKey = (runId: string): string => `run/${runId}/card`
export const requestKey = (requestId: string): string => `request/${requestId}`
const progressKey = (runId: string): string => `run/${runId}/progress`

const priority = { failure: 1, end: 2, start: 3, progress: 4 } as const

/** What goes wrong is told before what went well, and so is what stands above it. */
function priorityOf(run: RunView): number {
  if (run.endedAt === null) return priority.start
  return run.state === 'failed' ? priority.failure : priority.end
}

/** Writes what a backup's thread should show now, in the transaction that changed the run. */
export async function tellRun(context: EngineContext, tx: Write, run: RunView): Promise<void> {
  if (run.kind === 'backup') return tellBackup(context, tx, run)
  if (run.kind === 'drill') return tellDrill(context, tx, run)
  if (run.kind === 'copy') return // told by an edit of the backup's own thread
  return tellWork(context, tx, run)
}

async function tellBackup(context: EngineContext, tx: Write, given: RunView): Promise<void> {
  const now = context.clock.now()
  const batch = given.batch ?? (await gather(context, tx, given))
  const run = batch === null ? given : { ...given, batch }
  if (batch !== null) await tellLine(context, tx, { ...given, batch })
  const card = await tellCard(context, tx, run)
  const { strategy } = run
  await tellProgress(context, tx, run)
  const isQuiet = run.incident !== undefined // which calls people
  if (run.state === 'failed' || run.state === 'degraded')
    await owe(
      tx,
      {
        key: `run/${run.id}/alarm`,
        strategy,
        audience: isQuiet ? 'success' : 'failure',
        parent: batch ?? cardKey(run.id),
        priority: priority.failure,
        body: {
          type: 'run.alarm',
          run: card,
          ...(isQuiet && { quiet: true }),
          ...((await isOneOfManyAlike(tx, run)) && { unsaid: true }),
        },
      },
      now,
    )
}

const alarmsAlike = 5 // replies of one group for one reason; its lines name all

async function isOneOfManyAlike(tx: Write, { id, group, fault }: RunView): Promise<boolean> {
  if (group === undefined) return false
  const others = (await runsOfGroup(tx, group)).filter((one) => one.id !== id && one.state === 'failed')
  return others.filter((one) => one.fault?.code === fault?.code).length >= alarmsAlike
}

/** A thread like that of a backup. Whoever is to be called when it fails is called by its incident. */
async function tellDrill(context: EngineContext, tx: Write, run: RunView): Promise<void> {
  await tellCard(context, tx, run)
  await tellProgress(context, tx, run)
}

/** The first message of a thread. @returns the run as it is shown there */
async function tellCard(context: EngineContext, tx: Write, run: RunView): Promise<RunView> {
  const card = { ...run, progress: null, stage: null } // the card changes with the state only
  const message = { key: cardKey(run.id), strategy: run.strategy, audience: 'success', parent: null } as const
  await owe(
    tx,
    { ...message, priority: priorityOf(run), body: { type: 'run.card', run: card } },
    context.clock.now(),
  )
  return card
}

/** The one message in the thread that is edited in place and becomes the result. */
export async function tellProgress(context: EngineContext, tx: Write, run: RunView): Promise<void> {
  if (run.startedAt === null || !['backup', 'restore', 'drill'].includes(run.kind)) return
  if (run.batch !== undefined && run.endedAt === null) return // its line is enough
  const parent = run.kind === 'restore' ? await requestCardOf(tx, run.undoes ?? run.id) : cardKey(run.id)
  const level = run.endedAt !== null ? priority.end : priority.progress
  await owe(
    tx,
    {
      key: progressKey(run.id),
      strategy: run.strategy,
      audience: run.kind === 'restore' ? 'default' : 'success',
      parent,
      priority: level,
      body: { type: 'run.progress', run },
    },
    context.clock.now(),
  )
}

/** Restores tell their steps under the request's card; deletions and verifications only when they ended. */
async function tellWork(context: EngineContext, tx: Write, run: RunView): Promise<void> {
  if (run.kind === 'restore') await tellProgress(context, tx, run)
  else if (run.endedAt !== null)
    await owe(
      tx,
      {
        key: cardKey(run.id),
        strategy: run.strategy,
        audience: 'success',
        parent: await requestCardOf(tx, run.id),
        priority: priority.end,
        body: { type: 'run.card', run },
      },
      context.clock.now(),
    )
  if (run.state === 'failed') {
    const parent = (await requestCardOf(tx, run.id)) ?? cardKey(run.id)
    await owe(
      tx,
      {
        key: `run/${run.id}/alarm`,
        strategy: run.strategy,
        audience: 'failure',
        parent,
        priority: priority.failure,
        body: { type: 'run.alarm', run },
      },
      context.clock.now(),
    )
  }
}

async function requestCardOf(tx: Write, runId: string): Promise<string | null> {
  const request = await tx.selectFrom('requests').select('id').where('run', '=', runId).executeTakeFirst()
  return request ? requestKey(request.id) : null
}

export async function tellNotice(
  context: EngineContext,
  tx: Write,
  notice: {
    key: string
    strategy: string | null
    title: string
    text: string
    urgent: boolean
    /** It belongs in the thread of this run's request. */
    run?: string
    audience?: Audience
  },
): Promise<void> {
  const { key, strategy, title, text, urgent, run } = notice
  const { audience = urgent ? 'failure' : 'default' } = notice
  await owe(
    tx,
    {
      key: `notice/${key}`,
      strategy,
      audience,
      parent: run === undefined ? null : await requestCardOf(tx, run),
      priority: priority.failure,
      body: { type: 'notice', title, text, urgent },
    },
    context.clock.now(),
  )
}
