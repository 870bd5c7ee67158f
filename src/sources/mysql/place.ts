import type { SourceContext } from '../source.ts'
import type { Connection } from './url.ts'

/** What every step of this driver works with. */
export interface Place {
  strategy: string
  /** Where dumps are taken from. */
  origin: Connection
  /** Where and as whom restores are made. */
  restorer: Connection
  /** The strategy's own database, as whoever restores. */
  live: Connection
  options: Record<string, unknown>
  context: SourceContext
}
