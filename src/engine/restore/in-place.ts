import { Fault } from '../../core/faults.ts'
import type { RestoreResult, SwapResult } from '../../core/model.ts'
import type { Source, Swap, SwapNames, Swapped, Swapping } from '../../sources/source.ts'
import { audit } from '../../state/audit.ts'
import { insertSwap, moveSwap } from '../../state/swaps.ts'
import type { EngineContext } from '../context.ts'
import type { Work, WorkResult } from '../work.ts'
import { carryOver, refuseDrift, withChosen, type Confirmed } from './beside.ts'
import type { Chosen } from './choose.ts'
import { excludeBackups } from './exclusive.ts'
import { targetRequest } from './plan.ts'
import { pinSafety, safetyBackup } from './safety.ts'
import { settleSwap } from './swaps.ts'

interface Replacing extends Confirmed {
  chosen: Chosen
  source: Source
  swapping: Swapping
  names: SwapNames
}

/** Puts a backup in the place of the database it was made of: a fresh proved backup, then a restore beside, compared, then the
 * swap. What was there is kept and can be put back. Before the swap every fault leaves it untouched (promises 12 and 13).
 * @throws Fault stale · restore-failed · restore-incomplete · database-locked … */
export async function restoreInPlace(
  context: EngineContext,
  work: Work,
  confirmed: Confirmed,
): Promise<WorkResult> {
  return withChosen(context, work, confirmed, async ({ chosen, source }) => {
    const { plan } = confirmed.view
    if (!source.swap || !plan.swap) throw new Fault('target-invalid', 'this cannot be restored in place')
    const { beside, kept } = plan.swap
    const names = { name: plan.target.name, beside, kept }
    const job = { ...confirmed, chosen, source, swapping: source.swap, names }
    return source.swap.alone(names.name, work.signal, () => replace(context, work, job))
  })
}

async function replace(context: EngineContext, work: Work, job: Replacing): Promise<WorkResult> {
  await noteStart(context, work, job)
  const safety = await safetyBackup(context, work, job.view.requester)
  await noteRestoring(context, work, { ...job, safety })
  let restored: RestoreResult | null = null
  try {
    const into = { ...targetRequest(job.ask), database: job.names.beside, url: null, clean: false }
    restored = { ...(await carryOver(context, work, { ...job, into })), open: null }
    work.pulse.stage('swap')
    await excludeBackups(context, work, job)
    await refuseDrift(context, job.view.plan, { ask: job.ask, work }) // hours may have passed
    const swap = await job.swapping.identify(job.names, work.signal)
    await noteExchanging(context, work, { swap, restored })
    const how = { force: job.ask.force ?? false, carry: true }
    const swapped = await job.swapping.exchange(swap, how, work.signal)
    return resultOf(context, work, { job, restored, swapped, safety })
  } catch (error) {
    const settled = await settleSwap(context, work.run.id, job.swapping)
    if (settled !== 'open' || !restored) throw error
    // the connection was lost right after the swap, and the server says that it was made
    return resultOf(context, work, { job, restored, swapped: null, safety })
  }
}

function noteStart(context: EngineContext, { run }: Work, { view, chosen }: Replacing): Promise<unknown> {
  const entry = {
    actor: run.actor,
    act: 'restore.in-place',
    strategy: run.strategy,
    subject: view.id,
    planDigest: view.plan.digest,
    reason: view.reason,
    result: 'allowed',
    detail: `${chosen.manifest.id} in place of ${view.plan.target.name}, run ${run.id}`,
    link: null,
  } as const
  return context.database.write((tx) => audit(tx, entry, context.clock.now()))
}

/** Before anything is made, so that whatever dies, the next start knows what may lie there. */
async function noteRestoring(
  context: EngineContext,
  { run }: Work,
  { view, names, safety }: Replacing & { safety: string },
): Promise<void> {
  await context.database.write(async (tx) => {
    await insertSwap(tx, {
      ...names,
      run: run.id,
      request: view.id,
      strategy: run.strategy,
      endpoint: view.plan.target.endpoint,
      oldId: null,
      newId: null,
      state: 'restoring',
      inPlace: 'old',
      version: 0,
      workedOnBy: run.id,
      safety,
      result: null,
      by: run.actor,
      at: context.clock.now(),
      until: null,
      retryAt: 0,
    })
    await pinSafety(context, tx, { backup: safety, until: null, of: run })
  })
}

async function noteExchanging(
  context: EngineContext,
  { run }: Work,
  { swap, restored }: { swap: Swap; restored: RestoreResult },
): Promise<void> {
  const { oldId, newId } = swap
  await context.database.write((tx) =>
    moveSwap(tx, run.id, 'restoring', { state: 'exchanging', oldId, newId, result: restored }),
  )
}

/** The window, the pin and the audit row are written with the run's end. */
function resultOf(
  context: EngineContext,
  { run, strategy }: Work,
  done: { job: Replacing; restored: RestoreResult; swapped: Swapped | null; safety: string },
): WorkResult {
  const { job, restored, swapped, safety } = done
  const until = context.clock.now() + strategy.restore.undoMs
  const swap: SwapResult = {
    safety,
    kept: job.names.kept,
    until,
    inPlace: 'new',
    version: 1,
    sessions: swapped?.sessions ?? null,
    downMs: swapped?.downMs ?? null,
  }
  return {
    result: { restore: { ...restored, swap } },
    commit: async (tx) => {
      const result = { ...restored, swap }
      const open = { state: 'open', inPlace: 'new', version: 1, until, result } as const
      if (!(await moveSwap(tx, run.id, 'exchanging', open))) return
      await pinSafety(context, tx, { backup: safety, until, of: run })
      await audit(
        tx,
        {
          actor: run.actor,
          act: 'restore.swap',
          strategy: run.strategy,
          subject: run.id,
          planDigest: job.view.plan.digest,
          reason: job.view.reason,
          result: 'done',
          detail: `${job.names.name} is ${restored.backup} now; before: ${job.names.kept}`,
          link: null,
        },
        context.clock.now(),
      )
    },
  }
}
