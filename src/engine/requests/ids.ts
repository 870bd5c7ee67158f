import { suffix } from '../../core/keys.ts'
import type { EngineContext } from '../context.ts'

export function newRequestId({ clock }: EngineContext): string {
  return `rq-${suffix(() => clock.random())}${suffix(() => clock.random())}`
}

export function newRunId(context: EngineContext): string {
  const stamp = new Date(context.clock.now()).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')
  return `r${stamp}${suffix(() => context.clock.random())}`
}
