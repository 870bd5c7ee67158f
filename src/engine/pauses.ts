import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import type { Actor, StrategyView } from '../core/model.ts'
import { nextSlot } from '../core/schedule.ts'
import type { Read, Write } from '../state/database.ts'
import { recall, remember } from '../state/memory.ts'
import { endedPauses, endPause, findPause, isPaused, savePause, type Pause } from '../state/pauses.ts'
import { strategyOf, type EngineContext } from './context.ts'
import { drillSlots } from './drill-slots.ts'
import { dueSlots, missedReason, skipSlots, type Slotted } from './slots.ts'
import { tellNotice } from './tell.ts'

/** Strategies do nothing by themselves until they are resumed, or the pause ends. Runs by people still work.
 * @param until  epoch ms; null = until resumed
 * @throws Fault not-found */
export async function pauseStrategies(
  context: EngineContext,
  names: readonly string[],
  { until, actor }: { until: number | null; actor: Actor },
): Promise<void> {
  const { clock, database } = context
  const strategies = names.map((name) => strategyOf(context, name))
  const at = clock.now()
  await database.write(async (tx) => {
    for (const { name } of strategies) await savePause(tx, { strategy: name, until, by: actor, at })
    const length = until === null ? 'until somebody resumes them' : `for ${formatDuration(until - at)}`
    await tell(context, tx, names, {
      title: 'paused',
      text: `Paused by ${nameOf(actor)}, ${length}. Until then no backup or drill starts by itself, and none is called overdue.`,
    })
  })
}

/** @returns those that were paused */
export async function resumeStrategies(
  context: EngineContext,
  names: readonly string[],
  actor: Actor,
): Promise<string[]> {
  const strategies = names.map((name) => strategyOf(context, name))
  return context.database.write(async (tx) => {
    const resumed: string[] = []
    for (const strategy of strategies) {
      const pause = await findPause(tx, strategy.name)
      if (pause === null) continue
      await close(context, tx, { strategy, pause })
      resumed.push(strategy.name)
    }
    if (resumed.length > 0)
      await tell(context, tx, resumed, { title: 'resumed', text: `Resumed by ${nameOf(actor)}.` })
    return resumed
  })
}

/** Pauses whose end has come end by themselves, and that is said: in one message for those that began together. */
export async function closeEndedPauses(context: EngineContext): Promise<void> {
  const ended = await endedPauses(context.database.read, context.clock.now())
  for (const together of Map.groupBy(ended, ({ at, until }) => `${at}/${until}`).values())
    await context.database.write(async (tx) => {
      for (const pause of together) {
        const strategy = context.config.strategies.find(({ name }) => name === pause.strategy)
        if (strategy) await close(context, tx, { strategy, pause })
        else await endPause(tx, pause.strategy)
      }
      const names = together.map(({ strategy }) => strategy)
      const text = `The pause by ${nameOf(together[0]!.by)} is over: backups run by their schedule again.`
      await tell(context, tx, names, { title: 'resumed', text })
    })
}

/** Records the slots of a pause as skipped, with who wanted it (promise 8). */
export async function settlePaused(context: EngineContext, strategy: Strategy): Promise<void> {
  const pause = await findPause(context.database.read, strategy.name)
  if (pause === null) return
  const now = context.clock.now()
  const due = await Promise.all(
    slottedOf(context, strategy).map((slots) => dueSlots(context.database.read, slots, now)),
  )
  if (due.every((slots) => slots.length === 0)) return
  await context.database.write((tx) => settle(context, tx, { strategy, pause }))
}

/** From when on lateness counts after a pause; null when there never was one. */
export async function resumedAt(db: Read, strategy: string): Promise<number | null> {
  const at = await recall(db, resumedKey(strategy))
  return at === null ? null : Number(at)
}

/** The pause that holds now. */
export async function currentPause(
  context: EngineContext,
  strategy: string,
  db: Read = context.database.read,
): Promise<StrategyView['paused']> {
  const pause = await findPause(db, strategy)
  return isPaused(pause, context.clock.now()) ? { until: pause.until, by: pause.by } : null
}

/** When it runs next by itself; null for `manual`, and while a pause has no end. */
export function nextRunAt(
  strategy: Pick<Strategy, 'schedule' | 'timezone'>,
  paused: StrategyView['paused'],
  now: number,
): number | null {
  if (paused?.until === null) return null
  return nextSlot(strategy.schedule, strategy.timezone, Math.max(now, (paused?.until ?? 0) - 1))
}

const resumedKey = (strategy: string): string => `resumed/${strategy}`

interface Closing {
  strategy: Strategy
  pause: Pause
}

async function close(context: EngineContext, tx: Write, { strategy, pause }: Closing): Promise<void> {
  await settle(context, tx, { strategy, pause })
  await endPause(tx, strategy.name)
  await remember(
    tx,
    resumedKey(strategy.name),
    String(Math.min(pause.until ?? Infinity, context.clock.now())),
  )
}

/** Its backups, and its drills. */
function slottedOf({ config }: EngineContext, strategy: Strategy): Slotted[] {
  const drills = drillSlots(config, strategy.name)
  return drills === null ? [strategy] : [strategy, drills]
}

async function settle(context: EngineContext, tx: Write, { strategy, pause }: Closing): Promise<void> {
  const now = context.clock.now()
  const until = Math.min(pause.until ?? Infinity, now + 1)
  for (const slotted of slottedOf(context, strategy)) {
    const due = (await dueSlots(tx, slotted, now)).filter((slot) => slot < until)
    const slotsBy = Object.entries({
      [missedReason]: due.filter((slot) => slot < pause.at),
      [`paused by ${nameOf(pause.by)}`]: due.filter((slot) => slot >= pause.at),
    })
    for (const [reason, slots] of slotsBy)
      for (const slotAt of await skipSlots(tx, slotted.name, { slots, reason, now }))
        if (slotted === strategy)
          context.bus.emit({ type: 'slot.skipped', strategy: strategy.name, slotAt, reason })
  }
}

/** People of Slack by `@` and their id, which the face turns into their name. */
export function nameOf({ via, id }: Actor): string {
  return via === 'slack' ? `@${id}` : id
}

const namedAtMost = 20

/** One message, however many strategies: in the channel of the only one, else in the service's own. */
async function tell(
  context: EngineContext,
  tx: Write,
  names: readonly string[],
  { title, text }: { title: string; text: string },
): Promise<void> {
  const sole = names.length === 1 ? names[0]! : null
  const list = names.slice(0, namedAtMost).join(', ')
  const more = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : ''
  await tellNotice(context, tx, {
    key: `${title}/${names[0]}/${context.clock.now()}`,
    strategy: sole,
    title: sole === null ? `${names.length} strategies ${title}` : `${sole}: backups ${title}`,
    text: sole === null ? `${text}\n${list}${more}` : text,
    urgent: false,
  })
}
