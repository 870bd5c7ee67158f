import type { SourceContext } from '../source.ts'
import type { Connection } from './url.ts'

/** What every step of this driver works with. */
export interface Place {
  /** Where dumps are taken from. */
  origin: Connection
  /** Where and as whom restores are made. */
  restorer: Connection
  /** Then `restorer` is who dumps, and nothing is restored. */
  restorerWithheld: boolean
  /** The strategy's own database, as whoever restores: what a restore in place replaces. */
  live: Connection
  options: Record<string, unknown>
  /** Patterns of the folders with client programs. */
  folders: readonly string[]
  context: SourceContext
}
