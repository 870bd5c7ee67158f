import type { DrillResult } from './drill.ts'

/** How the drills of a strategy stand. Instants are epoch ms. */
export interface DrillStanding {
  /** As people say it; null: only when somebody asks. */
  schedule: string | null
  /** When the next one begins; null: not by itself, or paused without end. */
  nextAt: number | null
  /** The newest that came to a verdict. */
  last: Drilled | null
  /** One that is queued or under way. */
  openId: string | null
}

/** What one drill found, and when. */
export interface Drilled extends Pick<
  DrillResult,
  'backup' | 'verdict' | 'why' | 'server' | 'restoreMs' | 'previousMs'
> {
  run: string
  at: number
}
