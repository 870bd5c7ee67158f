import type { StrategyView } from '../core/model.ts'
import type { Reply } from '../commands/reply.ts'
import { homeFault, homeView } from './blocks/home.ts'
import type { Desk } from './desk.ts'

/** Draws a person's home tab anew; who may not look reads why. */
export async function publishHome(desk: Desk, user: string): Promise<void> {
  const view = await desk
    .identify(user)
    .then((person) => desk.ask({ name: 'status', args: {} }, person))
    .then((reply) => homeView(strategiesIn(reply), desk.clock.now()), homeFault)
  await desk.client.views.publish({ user_id: user, view })
}

function strategiesIn(reply: Reply): StrategyView[] {
  if (reply.type !== 'table') return []
  const found: unknown[] = reply.table.rows.map((row) => row.data)
  return found.filter(
    (one): one is StrategyView => typeof one === 'object' && one !== null && 'lastGood' in one,
  )
}
