import type { Run, RunChange } from '../state/runs.ts'
import type { Write } from '../state/database.ts'
import type { Strategy } from '../core/config.ts'
import type { Fault } from '../core/faults.ts'
import { backupWork } from './backup-work.ts'
import type { EngineContext } from './context.ts'
import { copyWork } from './copy.ts'
import { drill } from './drill.ts'
import { pruneAfterBackup } from './prune-after.ts'
import { pruneWork } from './prune-run.ts'
import type { Pulse } from './pulse.ts'
import { enterRequest } from './requests/runs.ts'
import { restore } from './restore/restore.ts'
import { undoRestore } from './restore/undo.ts'
import { verifyWork } from './verify-work.ts'
import { assigned } from './whole-server.ts'

export interface Work {
  run: Run
  strategy: Strategy
  folder: string
  pulse: Pulse
  signal: AbortSignal
  /** Carries out another accepted run beside this one. @returns false when it cannot start yet, or somebody else has it */
  carry: (run: string) => Promise<boolean>
  /** The programs of `hooks.before`, which a new dump runs first; once for all attempts. @throws Fault hook-failed */
  before: () => Promise<void>
  change: (columns: RunChange) => Promise<void>
  /** Found before the dump began; they are told with its own. */
  warnings?: readonly string[]
}

/** What a piece of work leaves to be written with its end. */
export interface WorkResult {
  result: NonNullable<Run['result']>
  /** How the run ends when it is not simply `succeeded`. */
  outcome?: 'succeeded' | 'degraded' | 'failed'
  /** Why it is not simply `succeeded`, told like the fault of a run that came to no result. */
  fault?: Fault
  /** Written in the transaction that ends the run. */
  commit(tx: Write): Promise<void>
  /** Done after the run has ended; its failure is its own. @param signal the service stops */
  after?: (signal: AbortSignal) => Promise<void>
}

/** One attempt at whatever the run is for. */
export async function workOn(context: EngineContext, work: Work): Promise<WorkResult> {
  await enterRequest(context, work.run)
  switch (work.run.kind) {
    case 'backup':
      return backupWork(context, await assigned(context, work), ({ series }, signal) =>
        pruneAfterBackup(
          context,
          { strategy: work.strategy, series, listed: work.run.params.group === work.run.id },
          signal,
        ),
      )
    case 'prune':
      return pruneWork(context, work)
    case 'copy':
      return copyWork(context, work)
    case 'verify':
      return verifyWork(context, work)
    case 'drill':
      return drill(context, work)
    case 'restore':
      return work.run.params.undo === undefined ? restore(context, work) : undoRestore(context, work)
  }
}
