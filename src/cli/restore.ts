import { Fault } from '../core/faults.ts'
import { isNameTyped, nameToType, type RequestView } from '../core/model.ts'
import type { App } from './app-contract.ts'
import { follow } from './follow.ts'
import { renderPlan } from './render-plan.ts'
import { lookOf, remark, say, sayJson, type Session } from './session.ts'
import { waitForDecision } from './wait.ts'

/** `--dry-run`: the plan is the answer. */
export function showPlan(session: Session, app: App, request: RequestView): number {
  if (session.globals.json) sayJson(session, request)
  else say(session, renderPlan(request, lookOf(session, app.clock), false))
  refuseBlocked(request)
  return 0
}

/** Shows the plan that was filed, asks, confirms exactly what was shown, and watches the run. */
export async function confirmAndFollow(
  session: Session,
  app: App,
  shown: { request: RequestView; yes: boolean },
): Promise<number> {
  const { request, yes } = shown
  const look = { ...lookOf(session, app.clock), colours: session.terminal.colours.stderr }
  if (!session.globals.json) remark(session, renderPlan(request, look, true))
  const args = { request: request.id, version: request.version }
  if (request.state === 'waiting') return waitForDecision(session, app, request)
  // One that waits for nobody any more is not asked about: confirming it tells why.
  if (!yes && request.state === 'planned' && !(await agrees(session, request))) {
    await app.ask({ name: 'dismiss', args }, app.person)
    throw new Fault('cancelled', 'not confirmed; nothing was changed')
  }
  const reply = await app.ask({ name: 'confirm', args }, app.person)
  if (reply.type === 'run') return follow(session, app, [reply.run])
  if (reply.type === 'plan' && reply.request.state === 'waiting')
    return waitForDecision(session, app, reply.request)
  throw new Fault('stale', 'the request was confirmed, but no run was started', {
    hint: `\`easy-backup confirm ${request.id}\` shows where it stands`,
  })
}

/** @throws Fault target-exists · target-invalid */
export function refuseBlocked({ plan }: RequestView): void {
  if (plan.blockers.length === 0) return
  const { occupied, overwritten } = plan.target
  const code = occupied && !overwritten && plan.blockers.length === 1 ? 'target-exists' : 'target-invalid'
  throw new Fault(code, `this cannot be restored: ${plan.blockers.join('; ')}`, {
    hint: 'choose another backup or target; nothing was changed',
  })
}

async function agrees({ terminal }: Session, { plan }: RequestView): Promise<boolean> {
  if (plan.target.overwritten) {
    const typed = await terminal.ask(`Type ${nameToType(plan)} to overwrite it: `)
    return isNameTyped(plan, typed.trim())
  }
  const answer = await terminal.ask(`Restore into ${plan.target.name}? [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}
