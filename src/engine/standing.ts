import type { StrategyView } from '../core/model.ts'
import type { Read } from '../state/database.ts'
import { rereadStanding } from '../state/reads.ts'
import { oddStanding } from './incidents/odd.ts'

/** What is known of a strategy's backups beyond how the last run ended. */
export async function standingOf(db: Read, strategy: string): Promise<Pick<StrategyView, 'odd' | 'reread'>> {
  return { odd: await oddStanding(db, strategy), reread: await rereadStanding(db, strategy) }
}
