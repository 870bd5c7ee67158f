import { rungOf, type Weight } from '../../core/ladder.ts'
import type { Needs, RestorePlan } from '../../core/model.ts'
import type { EngineContext } from '../context.ts'

/** What an act on a strategy's backups needs, and who may agree to it, as the configuration says now. */
export function needsFor(
  context: EngineContext,
  strategy: string,
  weight: Omit<Weight, 'isProtected'>,
): Needs {
  const found = context.config.strategies.find(({ name }) => name === strategy)
  const rung = rungOf({ ...weight, isProtected: found?.protected ?? false })
  return {
    ...rung,
    whom: found?.access?.roles.approve ?? null,
    self: found?.access?.allowSelfApproval ?? false,
  }
}

export function needsOfRestore(context: EngineContext, { backup, target }: RestorePlan): Needs {
  const overwrites = target.mode === 'in-place' ? 'own' : target.overwritten ? 'foreign' : 'nothing'
  return needsFor(context, backup.strategy, { kind: 'restore', overwrites, isMass: false })
}
