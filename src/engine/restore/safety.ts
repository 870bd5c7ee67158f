import { asFault, Fault } from '../../core/faults.ts'
import { outcomes, type Actor } from '../../core/model.ts'
import { listCopies } from '../../state/catalogue.ts'
import type { Write } from '../../state/database.ts'
import { findRun, requestCancel, type Run } from '../../state/runs.ts'
import { admitBackup } from '../admit.ts'
import type { EngineContext } from '../context.ts'
import { ended } from '../pin-sidecar.ts'
import { writePin } from '../pins.ts'
import { isWholeServer } from '../series-scope.ts'
import type { Work } from '../work.ts'

const lookMs = 500

/** A backup of what is about to be replaced, made now by the usual walk and decoded whole: a run of its own, which this one waits for.
 * One that is under way is waited for and not taken: it may have begun long ago.
 * @param requester  who asked for the restore: its card says so
 * @returns the backup's id
 * @throws Fault restore-failed when it was not made; nothing was touched */
export async function safetyBackup(context: EngineContext, work: Work, requester: Actor): Promise<string> {
  work.pulse.stage('safety')
  work.pulse.watch(() => Promise.resolve(true)) // the backup's own run is watched for standstill
  try {
    const run = await waitedFor(context, work, await admitted(context, work, requester))
    const backup = run.result?.backup
    if (backup && backup.level !== 'V0' && backup.level !== 'V1') return backup.id
    throw new Fault(
      'restore-failed',
      `the safety backup failed: ${run.fault?.text ?? `its run ${run.state}`}`,
      {
        hint: [`nothing was changed; see run ${run.id}`, ...(run.fault?.hint ? [run.fault.hint] : [])].join(
          '; ',
        ),
      },
    )
  } finally {
    work.pulse.watch(null)
  }
}

async function admitted(context: EngineContext, work: Work, safetyFor: Actor): Promise<string> {
  const { strategy, run } = work
  for (;;) {
    work.signal.throwIfAborted()
    try {
      return await context.database.write((tx) =>
        admitBackup(context, tx, strategy, {
          trigger: 'person',
          actor: run.actor,
          slotAt: null,
          prove: true,
          safetyFor,
          ...(isWholeServer(strategy) && { database: run.series }),
        }),
      )
    } catch (error) {
      if (asFault(error).code !== 'busy') throw error
    }
    await context.clock.sleep(lookMs, work.signal)
  }
}

/** Carries it out here, unless another worker was faster. */
async function waitedFor(context: EngineContext, work: Work, id: string): Promise<Run> {
  for (;;) {
    const run = await findRun(context.database.read, id)
    if (!run) throw new Fault('not-found', 'the run of the safety backup is gone')
    if ((outcomes as readonly string[]).includes(run.state)) {
      work.signal.throwIfAborted()
      return run
    }
    if (work.signal.aborted && !run.cancelledBy)
      await context.database.write((tx) => requestCancel(tx, id, work.run.actor))
    if (run.state !== 'queued' || !(await work.carry(id))) await context.clock.sleep(lookMs)
  }
}

/** Retention leaves it alone until then; null = as long as nobody knows. In the caller's transaction. */
export async function pinSafety(
  context: EngineContext,
  tx: Write,
  safety: { backup: string | null; until: number | null; of: Pick<Run, 'id' | 'actor'> },
): Promise<void> {
  if (safety.backup === null) return
  const copies = await listCopies(tx, { id: safety.backup })
  await writePin(context, tx, copies, {
    until: safety.until,
    note: `safety backup of restore ${safety.of.id}`,
    by: safety.of.actor,
  })
}

/** It is an ordinary backup again. */
export const unpinned = ended
