/** Collects what a person gets to see because of what they did, and waits for what a test expects. */
import { actor, openHome } from './acting.ts'
import type { Trouble } from './acting.ts'
import type { House } from './house.ts'
import type { Change, Message, OpenView } from './model.ts'
import type { Json } from './validate/rules.ts'

/** What one person got to see because of what they did. */
export interface Seen {
  /** null when the app acknowledged in time; else what Slack told the person. */
  trouble: Trouble
  /** New messages only this person sees, oldest first. */
  ephemerals: Message[]
  /** Messages of the channel that are new or were edited. */
  messages: Message[]
  /** The dialogs now open, topmost last. */
  views: OpenView[]
}

/** How long to look for an answer after an acknowledgement, and how long it must then be quiet. */
const answerMs = 10_000
const quietMs = 40

/** Does something as a person and collects what they then see. */
export async function seeing(
  house: House,
  where: { user: string; channel?: string; silent?: boolean },
  act: (id: string) => Promise<Trouble>,
): Promise<Seen> {
  const { id } = actor(house, where.user)
  const touched = new Set<Message>()
  let sawView = false
  const stop = house.workspace.listen((change: Change) => {
    if (
      change.kind === 'message' &&
      (change.message.onlyFor === id ||
        (change.message.onlyFor === undefined && change.message.channel === where.channel))
    )
      touched.add(change.message)
    if (change.kind === 'views' && change.user === id) sawView = true
    if (change.kind === 'home' && change.user === id) sawView = true
  })
  try {
    const trouble = await act(id)
    const isAnswered = (): boolean => touched.size > 0 || sawView
    if (trouble === null && where.silent !== true)
      await until(house, isAnswered, { timeoutMs: answerMs, lenient: true })
    await quiet(house)
    const all = [...touched].toSorted((a, b) => a.ts.localeCompare(b.ts))
    return {
      trouble,
      ephemerals: all.filter((one) => one.onlyFor !== undefined),
      messages: all.filter((one) => one.onlyFor === undefined),
      views: house.workspace.stack(id),
    }
  } finally {
    stop()
  }
}

export async function home(house: House, user: string): Promise<Json | null> {
  const { id } = actor(house, user)
  let published = false
  const stop = house.workspace.listen(
    (change) => (published ||= change.kind === 'home' && change.user === id),
  )
  await openHome(id, house)
  await until(house, () => published, { timeoutMs: answerMs, lenient: true })
  stop()
  return house.workspace.homes.get(id)?.view ?? null
}

/** Nothing changed for a moment. */
function quiet(house: House): Promise<void> {
  return new Promise((resolve) => {
    let timer = setTimeout(done, quietMs)
    const stop = house.workspace.listen(() => {
      clearTimeout(timer)
      timer = setTimeout(done, quietMs)
    })
    function done(): void {
      stop()
      resolve()
    }
  })
}

export function until(
  house: House,
  condition: () => boolean,
  options: { what?: string; timeoutMs?: number; lenient?: boolean } = {},
): Promise<void> {
  const { what = condition.toString(), timeoutMs = 30_000, lenient = false } = options
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (condition()) finish()
    }
    const stop = house.workspace.listen(() => queueMicrotask(look))
    const polling = setInterval(look, 20)
    const timer = setTimeout(
      () => finish(lenient ? undefined : new Error(`did not happen within ${timeoutMs} ms: ${what}`)),
      timeoutMs,
    )
    function finish(error?: Error): void {
      stop()
      clearInterval(polling)
      clearTimeout(timer)
      if (error === undefined) resolve()
      else reject(error)
    }
    look()
  })
}
