import type { Strategy, SlackRouting } from '../core/config.ts'

export { channelFor } from '../core/messages.ts'

/** Whose messages go where; null is the service's own. */
export type RoutingTable = (strategy: string | null) => SlackRouting

/** A strategy's own channels beat the global ones; one that is no longer configured uses the global ones. */
export function routingTable(
  global: SlackRouting,
  strategies: Pick<Strategy, 'name' | 'slack'>[],
): RoutingTable {
  const own = new Map(strategies.map(({ name, slack }) => [name, slack]))
  return (strategy) => (strategy === null ? global : (own.get(strategy) ?? global))
}
