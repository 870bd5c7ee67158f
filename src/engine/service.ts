import { asFault, Fault } from '../core/faults.ts'
import { nameOf } from '../notifiers/notifier.ts'
import { countOwed } from '../state/messages.ts'
import { leader, noteLeader, resignLeader, type Leader } from '../state/memory.ts'
import { runsOfGroup } from '../state/groups.ts'
import { openRuns, type Run } from '../state/runs.ts'
import { isAlive } from '../sys/strays.ts'
import type { Database } from '../state/database.ts'
import { storeAuditHeads } from './audit-heads.ts'
import type { EngineContext } from './context.ts'
import { lookAfterDebts } from './debts.ts'
import { deliverUntil } from './deliver.ts'
import { createEngine } from './engine.ts'
import type { Engine } from './facade.ts'
import { forgetOld, forgetUntil } from './forget.ts'
import { createHealth } from './health.ts'
import { closeEndedPauses } from './pauses.ts'
import { tidyKept } from './kept.ts'
import { isOff } from './notifiers.ts'
import { settlePins } from './pins.ts'
import { tellDueDigest } from './post-digest.ts'
import { reap, recover, sweepFolders } from './recover.ts'
import { reloadHere, reloadThere, reloadUntil } from './reload.ts'
import { endOverdue, pingAgain } from './requests/overdue.ts'
import { rereadUntil } from './reread.ts'
import { takeUpRequests } from './requests.ts'
import { lookAfterClones } from './clone/settle.ts'
import { lookAfterSwaps } from './restore/swaps.ts'
import { sweepLeft } from './drill/leftovers.ts'
import { createDrillSchedule } from './drill-schedule.ts'
import { createScheduler } from './scheduler.ts'
import { tendIncidents, watchOverdue } from './watch.ts'
import { endUploads } from './uploads.ts'
import { createWorker, type Worker } from './worker.ts'

/** The engine with the loops that make it move. One executor: beside a running service a command only asks. */
export interface Service {
  engine: Engine
  /** A service lives on the same state. */
  besideService: boolean
  /** Leads until the signal: recovers, schedules, works, watches, delivers; then winds down.
   * @param onEnding  the work has ended, and the last words were not said yet
   * @throws Fault state-locked when another instance leads */
  lead(
    signal: AbortSignal,
    onLeading: () => Promise<void> | void,
    onEnding?: () => Promise<void>,
  ): Promise<void>
  /** The scheduler has made a pass and the state answers. */
  ready(): boolean
  /** For a command: waits for its work and its messages, within reason. */
  close(): Promise<void>
}

type Held = NonNullable<ReturnType<Database['hold']>>

const graceMs = 10_000 // product §10: running work gets 10 s
const farewellMs = 5_000 // for the last words to Slack
const watchMs = 15_000
const leaderPatienceMs = 15_000 // a command that leads for a moment is waited for

export async function createService(context: EngineContext, role: 'serve' | 'command'): Promise<Service> {
  const self: Leader = { ...context.self, role }
  const worker = createWorker(context)
  const scheduler = createScheduler(context, () => worker.nudge())
  const current = await leader(context.database.read)
  const besideService = role === 'command' && current?.role === 'serve' && isAlive(current)
  const alone = role === 'command' && !besideService ? createAlone(context, worker, self) : null
  const built = createEngine(context, createHealth(context, role === 'serve' ? scheduler : null), (run) => {
    if (alone && run) alone.carryOut(run)
    else worker.nudge()
  })
  const reload = role === 'serve' ? reloadHere : besideService ? reloadThere : null
  const engine: Engine = {
    ...built,
    ...(reload && { reload: (actor) => reload(context, actor) }),
    ...(alone && {
      startBackup: async (...asked) => {
        await alone.recoverFirst()
        return built.startBackup(...asked)
      },
    }),
  }

  const lead: Service['lead'] = async (signal, onLeading, onEnding) => {
    const held = await takeLead(context, self)
    try {
      await onLeading()
      const silent = new AbortController() // delivery outlives the work: the last words are owed too
      const telling = deliverUntil(context, silent.signal)
      const ended = await recover(context)
      if (ended.length > 0)
        context.log.warn('runs of a process that died were ended as interrupted', { count: ended.length })
      const taken = takeUpRequests(context).catch((error: unknown) =>
        context.log.error('looking after open requests stumbled', { error: asFault(error).message }),
      )
      await Promise.all([
        taken,
        scheduler.runUntil(signal),
        worker.runUntil(signal, graceMs),
        watchUntil(context, signal, () => worker.nudge()),
        forgetUntil(context, signal),
        rereadUntil(context, signal),
        reloadUntil(context, signal),
      ])
      await onEnding?.()
      await waitUntilTold(context, farewellMs)
      silent.abort(new Error('stopped'))
      await telling
    } finally {
      await context.database.write((tx) => resignLeader(tx, self))
      held.release()
    }
  }

  return {
    engine,
    besideService,
    lead,
    ready: () => scheduler.lastTickAt() !== null,
    close: async () => alone?.close(),
  }
}

async function takeLead(context: EngineContext, self: Leader): Promise<Held> {
  for (const begun = context.clock.monotonic(); ; await context.clock.sleep(500)) {
    const held = context.database.hold()
    if (held) {
      await context.database.write((tx) => noteLeader(tx, self))
      return held
    }
    const other = await leader(context.database.read)
    if (other?.role === 'serve' || context.clock.monotonic() - begun > leaderPatienceMs)
      throw new Fault(
        'state-locked',
        `easy-backup already runs on this state folder${other ? ` (pid ${other.pid})` : ''}`,
        { hint: 'stop it first, or give this one its own state_dir' },
      )
  }
}

/** What has to be looked at again and again. */
async function watchUntil(
  context: EngineContext,
  signal: AbortSignal,
  onAccepted: () => void,
): Promise<void> {
  const looks = {
    'the schedule of drills': createDrillSchedule(context, onAccepted),
    'looking for runs of dead processes': () => reap(context),
    'the end of pauses': () => closeEndedPauses(context),
    'the overdue watch': () => watchOverdue(context),
    'incidents that change by themselves': () => tendIncidents(context),
    'the digest': () => tellDueDigest(context),
    'closing expired requests': () => endOverdue(context),
    'calling whoever may decide': () => pingAgain(context),
    'pins that are to be written beside backups': () => settlePins(context, signal),
    'copies that are owed': () => lookAfterDebts(context),
    'kept dumps': () => tidyKept(context),
    'what drills left on other servers': () => sweepLeft(context),
    'replaced databases': () => lookAfterSwaps(context),
    'copies whose time is over': () => lookAfterClones(context),
    'uploads that nobody ended': () => endUploads(context),
    'the head of the audit log': () => storeAuditHeads(context, signal),
  }
  while (!signal.aborted) {
    for (const [what, look] of Object.entries(looks))
      await look().catch((error: unknown) =>
        context.log.error('a watch stumbled', { what, error: asFault(error).message }),
      )
    await context.clock.sleep(watchMs, signal).catch(() => undefined)
  }
}

async function waitUntilTold(context: EngineContext, patienceMs: number): Promise<void> {
  const begun = context.clock.monotonic()
  const notifiers = (await context.notifiers()).filter((notifier) => !isOff(notifier))
  const owed = async (): Promise<number> =>
    Math.max(
      0,
      ...(await Promise.all(notifiers.map((notifier) => countOwed(context.database.read, nameOf(notifier))))),
    )
  while ((await owed()) > 0 && context.clock.monotonic() - begun < patienceMs) await context.clock.sleep(100)
}

interface Alone {
  /** Before anything new is accepted. */
  recoverFirst(): Promise<void>
  carryOut(run: string): void
  close(): Promise<void>
}

async function hasDeadRuns(context: EngineContext): Promise<boolean> {
  const open = await openRuns(context.database.read)
  return open.some((run) => run.state === 'running' && !(run.holder && isAlive(run.holder)))
}

/** Accepted before this command, and nobody else would carry it out. */
function isLeft({ id, state, attempt, params: { group = id } }: Run): boolean {
  return state === 'queued' && (attempt > 0 || group !== id) // the head of a group may be this command's own
}

/** A command without a service does its work itself, and tells people while it does. */
function createAlone(context: EngineContext, worker: Worker, self: Leader): Alone {
  const over = new AbortController()
  const work: Promise<void>[] = []
  let leading: Promise<boolean> | null = null
  let telling: Promise<void> | null = null
  let held: Held | null = null

  /** Only the leader recovers and delivers; another command that leads does it for this one. */
  async function prepare(): Promise<boolean> {
    held = context.database.hold()
    if (!held) return false
    await context.database.write((tx) => noteLeader(tx, self))
    if (await hasDeadRuns(context)) await recover(context)
    telling = deliverUntil(context, over.signal)
    const left = (await openRuns(context.database.read)).filter(isLeft)
    work.push(inLanes(left.map(({ id }) => id))) // they go on
    return true
  }

  /** A run that a killed command left behind must not make its strategy look busy. */
  async function recoverFirst(): Promise<void> {
    const open = await openRuns(context.database.read)
    if (open.some(isLeft) || (await hasDeadRuns(context))) await (leading ??= prepare())
  }

  /** As many at a time as a service would. */
  async function inLanes(runs: string[]): Promise<void> {
    const left = [...runs]
    const lane = async (): Promise<void> => {
      for (let run = left.shift(); run !== undefined; run = left.shift()) await withGroup(run)
    }
    await Promise.all(Array.from({ length: context.config.maxParallel }, lane))
  }

  /** And every run that comes of it: the other databases of a whole server. */
  async function withGroup(run: string): Promise<void> {
    await worker.runOne(run, over.signal)
    const others = await runsOfGroup(context.database.read, run)
    await inLanes(others.filter(({ state }) => state === 'queued').map(({ id }) => id))
  }

  /** Who backs up by cron alone has no service that looks again and again. */
  async function lookOnce(): Promise<void> {
    for (const copy of await lookAfterDebts(context)) await worker.runOne(copy, over.signal)
    await watchOverdue(context)
    await tendIncidents(context)
    await tidyKept(context)
    await sweepLeft(context)
    await sweepFolders(context)
    await lookAfterSwaps(context)
    await lookAfterClones(context)
    await forgetOld(context)
  }

  async function close(): Promise<void> {
    await Promise.allSettled(work)
    const led = (await leading?.catch(() => false)) ?? false
    await Promise.allSettled(work) // what goes on was found while leading began
    if (led)
      await lookOnce().catch((error: unknown) =>
        context.log.error('looking after what is owed stumbled', { error: asFault(error).message }),
      )
    if (led) await waitUntilTold(context, farewellMs)
    over.abort(new Error('the command has ended'))
    await telling
    if (led) await context.database.write((tx) => resignLeader(tx, self))
  }

  return {
    recoverFirst,
    carryOut: (run) => {
      leading ??= prepare()
      work.push(leading.then(() => withGroup(run)))
    },
    close,
  }
}
