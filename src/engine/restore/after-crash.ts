import { findClone } from '../../state/clones.ts'
import { findSwap, type StoredSwap } from '../../state/swaps.ts'
import type { Run, RunResult } from '../../state/runs.ts'
import { settleClone } from '../clone/settle.ts'
import type { EngineContext } from '../context.ts'
import { settleSwap, standingWords } from './swaps.ts'
import { undoResult } from './undo.ts'

/** What a restore in place, its undo, or a copy had come to when its process died. The result means that it had done its work:
 * it is finished, and ends as it would have.
 * @returns null when it had not begun to exchange anything */
export async function endOfSwap(
  context: EngineContext,
  run: Run,
): Promise<{ result: RunResult | null; hint: string } | null> {
  const cloned = await endOfClone(context, run)
  if (cloned) return cloned
  const before = await findSwap(context.database.read, run.id)
  if (!before) return run.params.undo === undefined ? null : { result: null, hint: 'nothing was changed' }
  await settleSwap(context, run.id)
  const now = (await findSwap(context.database.read, before.run))!
  return { result: resultOf(run, before, now), hint: standingWords(now) }
}

function resultOf(run: Run, before: StoredSwap, now: StoredSwap): RunResult | null {
  const isDone = now.state === 'open' && (before.state === 'open' || before.inPlace !== now.inPlace)
  if (!isDone) return null
  if (run.params.undo !== undefined) return { undo: undoResult(now, null) }
  if (!now.result) return null
  const { safety, kept, until, version } = now
  const swap = { safety, kept, until, inPlace: 'new', version, sessions: null, downMs: null } as const
  const note = 'the service stopped right after the swap and finished it when it was back'
  return { restore: { ...now.result, warnings: [...now.result.warnings, note], swap } }
}

async function endOfClone(
  context: EngineContext,
  run: Run,
): Promise<{ result: RunResult | null; hint: string } | null> {
  if (!(await findClone(context.database.read, run.id))) return null
  const settled = await settleClone(context, run.id)
  const { name, endpoint, beside, result } = (await findClone(context.database.read, run.id))!
  if (settled === 'open' && result) {
    const note = 'the service stopped right after the copy got its name'
    return { result: { restore: { ...result, warnings: [...result.warnings, note] } }, hint: '' }
  }
  return {
    result: null,
    hint:
      settled === 'unknown'
        ? `what became of ${name} will be known when its server answers`
        : `nothing was changed: ${name} on ${endpoint} is as it was, and ${beside} is not there`,
  }
}
