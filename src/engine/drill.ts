import type { DrillResult } from '../core/drill.ts'
import { Fault } from '../core/faults.ts'
import { listCopies, saveVerdict } from '../state/catalogue.ts'
import { newestPass } from '../state/drills.ts'
import { driverOf, type EngineContext } from './context.ts'
import { findings, verdictOf, type Judgement } from './drill/judge.ts'
import { keepEvidence } from './drill/evidence.ts'
import { marksOf } from './drill/marks.ts'
import { rehearse, type Rehearsal } from './drill/rehearse.ts'
import { storeVerdict } from './verdict.ts'
import type { Work, WorkResult } from './work.ts'

/** Restores a backup for real, compares it, and throws what it restored away. What it found is kept beside the backup.
 * pass ends the run `succeeded`; fail `failed`, and inconclusive `degraded`: never green, never red. Only what was restored and is
 * not what it should be marks the backup: a machine that cannot restore it says nothing about it. */
export async function drill(context: EngineContext, work: Work): Promise<WorkResult> {
  const { backup = '' } = work.run.params
  const found: Rehearsal = {
    server: 'nowhere',
    storage: null,
    expected: null,
    restored: null,
    objects: null,
    checks: [],
    restoreMs: null,
    notes: [],
  }
  const judgement = await judged(context, work, found)
  const copies = await listCopies(context.database.read, { id: backup })
  const before = await newestPass(context.database.read, work.strategy.name, work.run.series)
  const marks = marksOf(judgement, { copies, from: found.storage })
  for (const { copy, verdict } of marks) await storeVerdict(context, { ...aside(work), copy }, verdict)
  const result = resultOf(judgement, { backup, found, previousMs: before?.result.restoreMs ?? null })
  const { discreet } = judgement
  const evidence = await keepEvidence(context, work, { result, found, copies, discreet })
  return {
    ...endOf(judgement, { ...result, evidence }),
    commit: async (tx) => {
      for (const { copy, verdict } of marks) await saveVerdict(tx, copy.id, copy.storage, verdict)
    },
  }
}

const keepMs = 60_000 // for words beside the backup, also when the drill itself had no more time

/** The run's own signal may have fired: what was found is written all the same. */
function aside({ run }: Work): { run: Work['run']; signal: AbortSignal } {
  return { run, signal: AbortSignal.timeout(keepMs) }
}

/** @throws Fault cancelled · interrupted · internal: then there is no verdict */
async function judged(context: EngineContext, work: Work, found: Rehearsal): Promise<Judgement> {
  try {
    await rehearse(context, work, found)
    const { name } = driverOf(context, work.strategy.source.kind)
    return findings(found, work.strategy.drill?.maxDurationMs ?? null, name)
  } catch (error) {
    return verdictOf(work.signal.aborted ? work.signal.reason : error)
  }
}

function resultOf(
  { verdict, why }: Judgement,
  { backup, found, previousMs }: { backup: string; found: Rehearsal; previousMs: number | null },
): DrillResult {
  const { server, restored, objects, checks, restoreMs, notes } = found
  return {
    backup,
    verdict,
    why,
    server,
    tables: restored?.length ?? null,
    rows: restored?.reduce((sum, table) => sum + table.rows, 0) ?? null,
    objects: objects && Object.keys(objects.expected).length,
    checks,
    restoreMs,
    previousMs,
    evidence: null,
    ...(notes.length > 0 && { notes }),
  }
}

function endOf({ hint }: Judgement, result: DrillResult): Omit<WorkResult, 'commit'> {
  const ending = { result: { drill: result } }
  if (result.verdict === 'pass') return ending
  const [outcome, code] =
    result.verdict === 'fail'
      ? (['failed', 'drill-failed'] as const)
      : (['degraded', 'drill-inconclusive'] as const)
  const fault = new Fault(code, result.why ?? 'no reason is known', hint === null ? {} : { hint })
  return { ...ending, outcome, fault }
}
