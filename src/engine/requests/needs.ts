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

/** Of several owners what the strictest needs. A place for copies is named by whoever wrote the configuration, and says itself whether it
 * is protected. */
export function needsOfRestore(context: EngineContext, plan: RestorePlan): Needs {
  const { backup, target, clone, owners = [] } = plan
  if (clone) {
    const overwrites = target.overwritten ? 'own' : 'nothing'
    const weight = { kind: 'restore', overwrites, isMass: false, isProtected: clone.protected } as const
    return needsFor(context, backup.strategy, weight)
  }
  const overwrites = target.mode === 'in-place' ? 'own' : target.overwritten ? 'foreign' : 'nothing'
  const each = [backup.strategy, ...owners].map((strategy) =>
    needsFor(context, strategy, { kind: 'restore', overwrites, isMass: false }),
  )
  const strictest = each.find(({ second }) => second) ?? each[0]!
  return { ...strictest, self: each.every(({ self }) => self) }
}
