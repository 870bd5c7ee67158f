import type { PlanBlock, TaskCardBlock } from '@slack/types'
import { stageWords } from '../../commands/phrases.ts'
import type { RunKind, RunView, Stage } from '../../core/model.ts'
import { cut, limits } from '../limits.ts'

/** A running run as Slack's own list of tasks (`blocks: rich`): what is done, what goes on, what is to come.
 * @param line  the one line that says where it is
 * @returns null for a run that is not at one of its steps, such as one that waits to try again */
export function runPlan(run: RunView, line: string): PlanBlock | null {
  const steps = walks[run.kind]
  const current = run.stage ?? run.progress?.stage
  const at = current === undefined ? -1 : steps.indexOf(current)
  if (run.state !== 'running' || at === -1) return null
  return {
    type: 'plan',
    title: cut(line, limits.planTitle),
    tasks: steps.map((stage, step) => task(stage, step - at)),
  }
}

const walks: Record<RunKind, Stage[]> = {
  backup: ['starting', 'dump', 'proof', 'upload'],
  restore: ['fetch', 'restore', 'check'], // in place, what stands around these is told in the line
  verify: ['fetch', 'verify'],
  drill: ['fetch', 'restore', 'check'],
  copy: ['fetch', 'upload'],
  prune: ['prune'],
}

/** @param ahead negative: done; 0: now; positive: to come */
function task(stage: Stage, ahead: number): TaskCardBlock {
  const status = ahead < 0 ? 'complete' : ahead === 0 ? 'in_progress' : 'pending'
  return { type: 'task_card', task_id: stage, title: stageWords[stage], status }
}
