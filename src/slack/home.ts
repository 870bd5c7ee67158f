import type { HomeView } from '@slack/types'
import type { StrategyView } from '../core/model.ts'
import type { Reply } from '../commands/reply.ts'
import { homeFault, homeView } from './blocks/home.ts'
import type { Desk } from './desk.ts'
import { failureOf } from './outcomes.ts'

/** Draws a person's home tab anew; who may not look reads why. */
export async function publishHome(desk: Desk, user: string): Promise<void> {
  const draw = await desk
    .identify(user)
    .then((person) => desk.ask({ name: 'status', args: {} }, person))
    .then(drawing(desk), (error: unknown) => () => homeFault(error))
  const publish = (view: HomeView): Promise<unknown> => desk.client.views.publish({ user_id: user, view })
  if (desk.style.now() === 'basic') return void (await publish(draw('basic')))
  try {
    await publish(draw('rich'))
  } catch (error) {
    if (!failureOf(error, true).aboutContent) throw error
    await publish(draw('basic'))
    desk.style.refused()
  }
}

function drawing(desk: Desk) {
  return (reply: Reply) =>
    (style: 'basic' | 'rich'): HomeView =>
      homeView(strategiesIn(reply), desk.clock.now(), style)
}

function strategiesIn(reply: Reply): StrategyView[] {
  if (reply.type !== 'table') return []
  const found: unknown[] = reply.table.rows.map((row) => row.data)
  return found.filter(
    (one): one is StrategyView => typeof one === 'object' && one !== null && 'lastGood' in one,
  )
}
