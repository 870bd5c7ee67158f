import type { SourceContext } from '../source.ts'
import type { Options } from './options.ts'
import type { Connection } from './url.ts'

/** What every step of this driver works with. */
export interface Place {
  /** Where dumps are taken from. */
  origin: Connection
  /** Where and as whom restores are made. */
  restorer: Connection
  /** Then `restorer` is who dumps, and nothing is restored. */
  restorerWithheld: boolean
  options: Options
  context: SourceContext
}
