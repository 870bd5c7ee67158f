import { formatDuration } from '../core/duration.ts'
import type { Write } from '../state/database.ts'
import { recall, remember } from '../state/memory.ts'
import { countCaughtUp } from '../state/slots.ts'
import type { EngineContext } from './context.ts'
import { missedReason } from './slots.ts'
import { tellNotice } from './tell.ts'

const minuteMs = 60_000
const stoppedKey = 'stopped-on-purpose'

/** Closes the alarm that Slack raised by itself, in a new message.
 * @param gap.wasAlive  this process lived all the while and could not reach Slack
 * @param gap.startedAt  of this process, by our own clock */
export async function tellBack(
  context: EngineContext,
  gap: { key: string; lengthMs: number; wasAlive: boolean; startedAt: number },
): Promise<void> {
  const { key, lengthMs, wasAlive, startedAt } = gap
  const length = formatDuration(Math.max(minuteMs, Math.round(lengthMs / minuteMs) * minuteMs))
  await context.database.write(async (tx) =>
    tell(context, tx, {
      key: `silence/${key}`,
      title: wasAlive
        ? `easy-backup on ${context.host} reaches Slack again after ${length}`
        : `easy-backup on ${context.host} is back after ${length}`,
      text: wasAlive ? 'It ran all the while, and backups went on.' : await missedWords(tx, startedAt),
    }),
  )
}

/** What the first pass of the scheduler found. */
async function missedWords(tx: Write, startedAt: number): Promise<string> {
  const { missed, caughtUp } = await countCaughtUp(tx, { since: startedAt, reason: missedReason })
  if (missed === 0) return 'No backup was missed.'
  const slots = missed === 1 ? '1 slot was missed' : `${missed} slots were missed`
  const strategies =
    caughtUp === 1 ? 'one catch-up backup runs' : `one catch-up backup each for ${caughtUp} strategies`
  return `${slots}; ${caughtUp === 0 ? 'none is caught up' : strategies}.`
}

/** A stop by a person is no alarm, and not a secret either: nothing runs until somebody starts it again. */
export async function tellStopped(context: EngineContext): Promise<void> {
  const at = context.clock.now()
  await context.database.write(async (tx) => {
    await remember(tx, stoppedKey, String(at))
    await tell(context, tx, {
      key: `stopped/${at}`,
      title: `easy-backup on ${context.host} was stopped on purpose`,
      text: 'No backup runs until it is started again.',
    })
  })
}

/** What was said when it stopped is edited: a restart is no news. */
export async function tellStarted(context: EngineContext): Promise<void> {
  await context.database.write(async (tx) => {
    const at = Number((await recall(tx, stoppedKey)) ?? 0)
    if (at === 0) return
    await remember(tx, stoppedKey, '0')
    const length = formatDuration(Math.max(0, context.clock.now() - at))
    await tell(context, tx, {
      key: `stopped/${at}`,
      title: `easy-backup on ${context.host} was stopped on purpose, and is back after ${length}`,
      text: 'Backups run by their schedule again.',
    })
  })
}

async function tell(
  context: EngineContext,
  tx: Write,
  notice: { key: string; title: string; text: string },
): Promise<void> {
  await tellNotice(context, tx, { ...notice, strategy: null, urgent: false, audience: 'failure' })
}
