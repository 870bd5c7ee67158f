import { strategyOfRequest, type AnyRequestView } from '../../core/model.ts'
import type { EngineContext } from '../context.ts'

/** A request as faces show it: its instants are said in the zone of its strategy. */
export function inZone<View extends AnyRequestView>({ config }: EngineContext, view: View): View {
  const strategy = config.strategies.find(({ name }) => name === strategyOfRequest(view))
  return strategy ? { ...view, timezone: strategy.timezone } : view
}
