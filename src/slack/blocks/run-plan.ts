import type { PlanBlock, TaskCardBlock } from '@slack/types'
import { stageWords } from '../../commands/phrases.ts'
import type { RunKind, RunView, Stage } from '../../core/model.ts'
import { cut, limits } from '../limits.ts'

/** A running run as Slack's own list of tasks (`blocks: rich`): what is done, what goes on, what is to come.
 * @param line  the one line that says where it is
 * @returns null for a run that is not at one of its steps, such as one that waits to try again */
export function runPlan(run: RunView, line: string): PlanBlock | null {
  const steps = run.way === undefined ? walks[run.kind] : around[run.way]
  const current = run.stage ?? run.progress?.stage
  const at = current === undefined ? -1 : steps.indexOf(current)
  if (run.state !== 'running' || at === -1) return null
  return {
    type: 'plan',
    title: cut(line, limits.planTitle),
    tasks: steps.map((stage, step) => task({ stage, title: titleOf(stage, run) }, step - at)),
  }
}

const walks: Record<RunKind, Stage[]> = {
  backup: ['starting', 'dump', 'proof', 'upload'],
  restore: ['fetch', 'restore', 'check'],
  verify: ['fetch', 'verify'],
  drill: ['fetch', 'restore', 'check'],
  copy: ['fetch', 'upload'],
  prune: ['prune'],
}

/** What else is done where the result takes a name that people know. */
const around: Record<NonNullable<RunView['way']>, Stage[]> = {
  'in-place': ['safety', 'fetch', 'restore', 'check', 'swap'],
  clone: ['fetch', 'restore', 'check', 'sanitize', 'swap'],
}

/** A copy takes nobody's place: it is only called as people know it. */
function titleOf(stage: Stage, { way }: RunView): string {
  return way === 'clone' && stage === 'swap' ? 'give it its name' : stageWords[stage]
}

/** @param ahead negative: done; 0: now; positive: to come */
function task({ stage, title }: { stage: Stage; title: string }, ahead: number): TaskCardBlock {
  const status = ahead < 0 ? 'complete' : ahead === 0 ? 'in_progress' : 'pending'
  return { type: 'task_card', task_id: stage, title, status }
}
