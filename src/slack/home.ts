import { createHash } from 'node:crypto'
import type { HomeView } from '@slack/types'
import type { Person } from '../commands/command.ts'
import type { Reply } from '../commands/reply.ts'
import type { Dashboard } from '../core/dashboard.ts'
import type { StrategyView } from '../core/model.ts'
import { homeFault, homeView, type HomeFacts } from './blocks/home.ts'
import type { Desk } from './desk.ts'
import { failureOf } from './outcomes.ts'
import { rightsOf } from './rights.ts'

/** Draws a person's home tab anew; who may not look reads why. From now on it follows what changes. */
export async function publishHome(desk: Desk, user: string): Promise<void> {
  desk.homes.opened(user, desk.clock.monotonic())
  await publish(desk, user)
}

const lookMs = 10_000 // and so at most one publish per person in that time
const watchedMs = 30 * 60_000 // Slack does not say when somebody turns away
const mostAtOnce = 10 // of 100 calls a minute that Slack grants

/** Whose home tab is likely looked at, and what it shows. */
export interface Homes {
  opened(user: string, at: number): void
  /** Those who have not seen this change, who waited longest first. Who has not come back for long is forgotten. */
  due(now: number, change: number): string[]
  /** It is not drawn again by itself. */
  refused(user: string): void
  /** What a tab shows, as a digest of it. */
  shown: Map<string, string>
}

export function createHomes(): Homes {
  const open = new Map<string, { openedAt: number; seen: number }>()
  const shown: Homes['shown'] = new Map()
  return {
    shown,
    opened: (user, openedAt) => {
      shown.delete(user) // drawn anew, whatever is remembered
      open.set(user, { openedAt, seen: -1 })
    },
    refused: (user) => void open.delete(user),
    due: (now, change) => {
      for (const [user, { openedAt }] of open)
        if (now - openedAt > watchedMs) {
          open.delete(user)
          shown.delete(user)
        }
      const waiting = [...open].filter(([, { seen }]) => seen !== change).slice(0, mostAtOnce)
      for (const [user, one] of waiting) {
        open.delete(user) // to the end of the row
        open.set(user, { ...one, seen: change })
      }
      return waiting.map(([user]) => user)
    },
  }
}

/** Draws the tabs of those who look at them again whenever something changed, until the signal.
 * @param changes  a number that grows with every change people should see */
export async function followHomes(
  desk: Desk,
  changes: () => Promise<number>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await desk.clock.sleep(lookMs, signal).catch(() => undefined)
    const change = signal.aborted ? null : await changes().catch(() => null)
    const users = change === null ? [] : desk.homes.due(desk.clock.monotonic(), change)
    for (const user of users)
      await publish(desk, user).catch((error: unknown) =>
        desk.log.debug('a home tab was not drawn again', { error: String(error) }),
      )
  }
}

async function publish(desk: Desk, user: string): Promise<void> {
  const draw = await desk
    .identify(user)
    .then((person) => factsFor(desk, person))
    .then(drawing, (error: unknown) => {
      desk.homes.refused(user) // said once: a refusal is kept in the audit log
      return () => homeFault(error)
    })
  const send = async (view: HomeView): Promise<void> => {
    const digest = createHash('sha256').update(JSON.stringify(view)).digest('base64url')
    if (desk.homes.shown.get(user) === digest) return
    desk.homes.shown.set(user, digest) // before: a click and the next look may come together
    await desk.client.views.publish({ user_id: user, view }).catch((error: unknown) => {
      desk.homes.shown.delete(user)
      throw error
    })
  }
  if (desk.style.now() === 'basic') return send(draw('basic'))
  try {
    await send(draw('rich'))
  } catch (error) {
    if (!failureOf(error, true).aboutContent) throw error
    await send(draw('basic'))
    desk.style.refused()
  }
}

function drawing(facts: HomeFacts) {
  return (style: 'basic' | 'rich'): HomeView => homeView(facts, style)
}

async function factsFor(desk: Desk, person: Person): Promise<HomeFacts> {
  const reply = await desk.ask({ name: 'status', args: {} }, person)
  const strategies = strategiesIn(reply)
  const names = strategies.map(({ name }) => name)
  const rights = await rightsOf(desk, person, names)
  return { strategies, board: boardIn(reply), rights, user: person.actor.id, now: desk.clock.now() }
}

function strategiesIn(reply: Reply): StrategyView[] {
  if (reply.type !== 'table') return []
  const found: unknown[] = reply.table.rows.map((row) => row.data)
  return found.filter(
    (one): one is StrategyView => typeof one === 'object' && one !== null && 'lastGood' in one,
  )
}

function boardIn(reply: Reply): Dashboard {
  const board = (reply.type === 'table' ? (reply.table.data ?? {}) : {}) as Partial<Dashboard>
  const { running = [], requests = [], incidents = [], places = [] } = board
  return { running, requests, incidents, places }
}
