import type { NotifierView } from '../core/notifications.ts'
import type { Message } from '../core/messages.ts'
import type { Actor } from '../core/model.ts'
import { nameOf, offNotice, type Notifier } from '../notifiers/notifier.ts'
import type { Read, Write } from '../state/database.ts'
import { forget, recall, remember } from '../state/memory.ts'
import { countOwed } from '../state/messages.ts'
import type { EngineContext } from './context.ts'
import { tellNotice } from './tell.ts'

const notedOff = (name: string): string => `notifier-off/${name}`

export function isOff(notifier: Notifier): boolean {
  return (notifier.off?.() ?? null) !== null
}

/** That it takes nothing any more is remembered, so that every process knows, and said to everybody else. */
export async function tellOff(context: EngineContext, notifier: Notifier): Promise<void> {
  const why = notifier.off?.() ?? 'unknown'
  const name = nameOf(notifier)
  const since = context.clock.now()
  context.log.error('a notifier was switched off', { notifier: name, why })
  await context.database.write(async (tx) => {
    await remember(tx, notedOff(name), JSON.stringify({ since, why }))
    await tellNotice(context, tx, {
      key: `${offNotice(name)}${since}`,
      strategy: null,
      title: `Notifications by ${labelOf(notifier)} are switched off`,
      text: `${why}\nMend it, then \`easy-backup reload\`. What it missed within a day is told then.`,
      urgent: true,
    })
  })
}

/** A start and a reload give it another chance. */
export async function noteOn(tx: Write, name: string): Promise<void> {
  await forget(tx, notedOff(name))
}

/** All who are told, as people see them. */
export async function viewNotifiers(context: EngineContext): Promise<NotifierView[]> {
  const { read } = context.database
  return Promise.all(
    (await context.notifiers()).map(async (notifier) => ({
      name: nameOf(notifier),
      kind: notifier.kind,
      off: await offOf(read, notifier),
      owed: await countOwed(read, nameOf(notifier)),
    })),
  )
}

async function offOf(read: Read, notifier: Notifier): Promise<NotifierView['off']> {
  const noted = await recall(read, notedOff(nameOf(notifier)))
  return noted === null ? null : (JSON.parse(noted) as NotifierView['off'])
}

export interface Tested {
  name: string
  kind: string
  ok: boolean
  text: string
}

const patienceMs = 30_000

/** Tells everybody something harmless, or one of them. @param only  its name; null = all */
export async function testNotifiers(
  context: EngineContext,
  only: string | null,
  by: Actor,
): Promise<Tested[]> {
  const all = await context.notifiers()
  const chosen = all.filter((notifier) => only === null || nameOf(notifier) === only)
  return Promise.all(
    chosen.map(async (notifier) => ({
      name: nameOf(notifier),
      kind: notifier.kind,
      ...(await (notifier.test?.(AbortSignal.timeout(patienceMs)) ?? sayTest(context, notifier, by))),
    })),
  )
}

/** Who shows messages shows one more. */
async function sayTest(
  { clock }: EngineContext,
  notifier: Notifier,
  by: Actor,
): Promise<Pick<Tested, 'ok' | 'text'>> {
  const message: Message = {
    key: `test/${clock.now()}`,
    strategy: null,
    audience: 'default',
    parent: null,
    priority: 0,
    version: 1,
    body: {
      type: 'notice',
      title: 'Test message',
      text: `Asked by ${by.id}: notifications work.`,
      urgent: false,
    },
  }
  for (const begun = clock.monotonic(); ;) {
    const answer = await notifier.deliver(message, null, null, AbortSignal.timeout(patienceMs))
    if (answer.outcome === 'sent') return { ok: true, text: 'the message was posted' }
    if (!answer.waits || clock.monotonic() - begun > patienceMs)
      return { ok: false, text: answer.detail ?? answer.outcome }
    await clock.sleep(answer.retryAfterMs ?? 1_000)
  }
}

function labelOf(notifier: Notifier): string {
  const name = nameOf(notifier)
  return name === notifier.kind ? notifier.kind : `${notifier.kind} (${name})`
}
