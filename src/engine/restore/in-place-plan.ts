import { formatDuration } from '../../core/duration.ts'
import type { RestorePlan } from '../../core/model.ts'
import type { TargetPlan } from '../../sources/source.ts'
import type { RestoreAsk } from '../facade.ts'
import type { Chosen } from './choose.ts'

interface Facts {
  ask: RestoreAsk
  chosen: Chosen
  target: TargetPlan
}

/** What a plan says only of a restore in place. */
export function swapFacts({ chosen, target }: Facts): Pick<RestorePlan, 'swap'> {
  if (!target.swap) return {}
  const { beside, kept } = target.swap
  const { undoMs } = chosen.strategy.restore
  return { swap: { beside, kept, undoMs, newest: target.newest ?? null } }
}

export function swapSteps({ chosen }: Facts, compare: string): string[] {
  return [
    'safety backup',
    'fetch and verify the backup',
    'restore beside',
    compare,
    'swap',
    `keep the old one for ${formatDuration(chosen.strategy.restore.undoMs)}`,
  ]
}

export function swapWarnings({ ask, target }: Facts): string[] {
  const { sessions } = target
  if (!ask.inPlace || !ask.force || !sessions) return []
  return [`${sessions} live ${sessions === 1 ? 'session' : 'sessions'} will be dropped`]
}

export function swapBlockers({ ask, chosen, target }: Facts): string[] {
  if (!ask.inPlace) return []
  const { strategy, standIn } = chosen
  const { sessions } = target
  return [
    ...(standIn ? ['in place needs a strategy of the configuration: name it with --strategy'] : []),
    ...(target.swap ? [] : [`${strategy.source.kind} is restored beside only`]),
    ...(sessions && !ask.force
      ? [
          `${sessions} live ${sessions === 1 ? 'session is' : 'sessions are'} in ${target.name}: stop the application, or add --force to drop them`,
        ]
      : []),
  ]
}
