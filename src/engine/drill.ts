import type { DrillResult } from '../core/drill.ts'
import { Fault } from '../core/faults.ts'
import type { EngineContext } from './context.ts'
import type { Work, WorkResult } from './work.ts'

/** Restores a backup for real, compares it, and throws what it restored away.
 * pass ends the run `succeeded`; fail `failed`, and inconclusive `degraded`: never green, never red. */
export async function drill(_context: EngineContext, work: Work): Promise<WorkResult> {
  return endOf({
    backup: work.run.params.backup!,
    verdict: 'inconclusive',
    why: `${work.strategy.name} has no place to restore to`,
    server: 'none',
    tables: null,
    rows: null,
    objects: null,
    checks: [],
    restoreMs: null,
    previousMs: null,
    evidence: null,
  })
}

function endOf(result: DrillResult): WorkResult {
  const ending = { result: { drill: result }, commit: async () => undefined }
  if (result.verdict === 'pass') return ending
  const why = result.why ?? 'no reason was found'
  if (result.verdict === 'fail')
    return { ...ending, outcome: 'failed', fault: new Fault('drill-failed', why) }
  return { ...ending, outcome: 'degraded', fault: new Fault('drill-inconclusive', why) }
}
