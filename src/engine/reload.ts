import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AuditEntry } from '../core/audit.ts'
import type { Config } from '../core/config.ts'
import { asFault, Fault, faultFacts, type FaultFacts } from '../core/faults.ts'
import { serviceActor, type Actor } from '../core/model.ts'
import { audit } from '../state/audit.ts'
import { answerReload, askedReloads, askReload, reloadAnswer, withdrawReload } from '../state/reloads.ts'
import { openRuns } from '../state/runs.ts'
import { cancelRun } from './asked-runs.ts'
import { changesOf, withoutFixed } from './config-changes.ts'
import type { EngineContext } from './context.ts'
import type { ConfigChanges } from './facade.ts'
import { nameOf } from './pauses.ts'
import { askAboutRetention } from './requests/retention.ts'
import { noteNewSchedule } from './slots.ts'
import { tellNotice } from './tell.ts'

const lookMs = 500 // how soon a service notices that a command asks
const patienceMs = 30_000

/** Loads the configuration again in this process, all or nothing (promise 20). Running work keeps what it began with.
 * @throws Fault config-invalid with every mistake: then nothing has changed */
export async function reloadHere(context: EngineContext, actor: Actor): Promise<ConfigChanges> {
  const before = context.config
  try {
    const { config, needsRestart } = withoutFixed(before, context.readConfig())
    const changes = { ...changesOf(before, config), needsRestart }
    const take = context.prepareConfig(config)
    await noteChanges(context, { before, after: config, changes, actor })
    take()
    await dropRemoved(context, config)
    context.log.info('the configuration was loaded again', {
      by: nameOf(actor),
      changes: [...changes.changed, ...changes.weakened].join(' · ') || 'none',
      needsRestart: needsRestart.join(', ') || null,
    })
    return { ...changes, weakened: [...changes.weakened, ...(await askIfWeaker(context, actor))] }
  } catch (error) {
    for (const mistake of asFault(error).message.split('\n'))
      context.log.error('the configuration was not taken over; the one before still holds', { mistake })
    await noteRefused(context, actor, asFault(error))
    throw error
  }
}

/** A signal asks for it without a command, which would keep that. */
async function noteRefused(context: EngineContext, actor: Actor, fault: Fault): Promise<void> {
  if (actor.via !== serviceActor.via) return
  const [first = ''] = fault.message.split('\n')
  const now = context.clock.now()
  await context.database.write((tx) => audit(tx, reloadEntry(context, actor, 'failed', first), now))
}

/** What a second person is asked about; nothing is deleted meanwhile, also when asking fails. @returns in words */
async function askIfWeaker(context: EngineContext, actor: Actor): Promise<string[]> {
  try {
    const asked = await askAboutRetention(context, actor)
    return asked.map(
      ({ id, plan }) => `nothing of ${plan.strategy} is deleted before request ${id} is approved`,
    )
  } catch (error) {
    context.log.error('asking about a weaker retention stumbled', { error: asFault(error).message })
    return []
  }
}

/** Does what commands beside this service ask for, until the signal. */
export async function reloadUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await answerAsked(context).catch((error: unknown) =>
      context.log.error('a reload stumbled', { error: asFault(error).message }),
    )
    await context.clock.sleep(lookMs, signal).catch(() => undefined)
  }
}

type Answer = { changes: ConfigChanges } | { fault: FaultFacts }

async function answerAsked(context: EngineContext): Promise<void> {
  for (const { id, by } of await askedReloads(context.database.read)) {
    const answer: Answer = await reloadHere(context, by).then(
      (changes) => ({ changes }),
      (error: unknown) => ({ fault: faultFacts(error) }),
    )
    await context.database.write((tx) => answerReload(tx, id, answer))
  }
}

/** Asks the service that lives on this state, and waits for what it says.
 * @throws Fault as the service met it · timed-out */
export async function reloadThere(context: EngineContext, actor: Actor): Promise<ConfigChanges> {
  const { clock, database } = context
  const id = randomUUID()
  await database.write((tx) => askReload(tx, id, actor))
  try {
    for (const begun = clock.monotonic(); clock.monotonic() - begun < patienceMs; await clock.sleep(100)) {
      const answer = (await reloadAnswer(database.read, id)) as Answer | null
      if (answer === null) continue
      if ('changes' in answer) return answer.changes
      const { code, text, hint } = answer.fault
      throw new Fault(code, text, hint === null ? {} : { hint })
    }
  } finally {
    await database.write((tx) => withdrawReload(tx, id))
  }
  throw new Fault('timed-out', 'the service did not answer in 30 s', {
    hint: 'look into its log; it goes on with what it has',
  })
}

interface Taken {
  before: Config
  after: Config
  changes: ConfigChanges
  actor: Actor
}

async function noteChanges(context: EngineContext, { before, after, changes, actor }: Taken): Promise<void> {
  const now = context.clock.now()
  await context.database.write(async (tx) => {
    for (const { name, schedule, timezone } of after.strategies) {
      const was = before.strategies.find((strategy) => strategy.name === name)
      const same = was && isDeepStrictEqual([was.schedule, was.timezone], [schedule, timezone])
      if (!same) await noteNewSchedule(tx, name, now)
    }
    await audit(tx, reloadEntry(context, actor, 'done', said(changes)), now)
    if (changes.weakened.length === 0) return
    const who = actor.via === serviceActor.via ? '' : ` by ${nameOf(actor)}`
    await tellNotice(context, tx, {
      key: `reload/${now}`,
      strategy: null,
      title: 'The configuration was changed and protects less',
      text: `Loaded again${who}:\n${changes.weakened.map((line) => `• ${line}`).join('\n')}`,
      urgent: true,
    })
  })
}

/** What a reload came to; that somebody in person asked for it is in the log already. */
function reloadEntry(
  { scrub }: EngineContext,
  actor: Actor,
  result: 'done' | 'failed',
  detail: string,
): AuditEntry {
  const about = { strategy: null, subject: null, planDigest: null, reason: null, link: null }
  return { actor, act: 'reload', result, detail: scrub(detail), ...about }
}

function said({ changed, weakened, needsRestart }: ConfigChanges): string {
  const restart = needsRestart.map((name) => `needs a restart: ${name}`)
  return [...changed, ...weakened, ...restart].join(' · ') || 'nothing changed'
}

/** What waits for its turn and has no strategy any more will never run: that is said instead of failing later. */
async function dropRemoved(context: EngineContext, { strategies }: Config): Promise<void> {
  const queued = (await openRuns(context.database.read)).filter(({ state }) => state === 'queued')
  for (const { id, strategy } of queued)
    if (!strategies.some(({ name }) => name === strategy)) await cancelRun(context, id, serviceActor)
}
