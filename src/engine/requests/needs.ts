import { rungOf, type Weight } from '../../core/ladder.ts'
import type { Needs, RestorePlan } from '../../core/model.ts'
import type { EngineContext } from '../context.ts'

/** What an act on a strategy's backups needs, and who may agree to it, as the configuration says now. */
export function needsFor(
  context: EngineContext,
  strategy: string,
  weight: Omit<Weight, 'isProtected'> & Partial<Weight>,
): Needs {
  const found = context.config.strategies.find(({ name }) => name === strategy)
  const rung = rungOf({ isProtected: found?.protected ?? false, ...weight })
  return {
    ...rung,
    whom: found?.access?.roles.approve ?? null,
    self: found?.access?.allowSelfApproval ?? false,
  }
}

/** A place for copies is named by whoever wrote the configuration, and says itself whether it is protected. */
export function needsOfRestore(context: EngineContext, { backup, target, clone }: RestorePlan): Needs {
  if (clone) {
    const overwrites = target.overwritten ? 'own' : 'nothing'
    const weight = { kind: 'restore', overwrites, isMass: false, isProtected: clone.protected } as const
    return needsFor(context, backup.strategy, weight)
  }
  const overwrites = target.mode === 'in-place' ? 'own' : target.overwritten ? 'foreign' : 'nothing'
  return needsFor(context, backup.strategy, { kind: 'restore', overwrites, isMass: false })
}
