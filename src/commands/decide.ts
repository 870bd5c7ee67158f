import type { Role } from '../core/access.ts'
import { strategyOfRequest, type AnyRequestView } from '../core/model.ts'
import type { CommandContext } from './command.ts'
import { summaryOf } from './request-words.ts'
import type { Reply } from './reply.ts'

/** Whoever says yes or no has the role for it now (promise 18), with everybody whose database it is: for what needs a second person,
 * `approve`.
 * @returns the request as it stands. @throws Fault not-found · denied */
export async function mayDecide(
  { engine, gate, person }: Pick<CommandContext, 'engine' | 'gate' | 'person'>,
  id: string,
  command: 'confirm' | 'dismiss' | 'approve' | 'reject',
): Promise<AnyRequestView> {
  const request = await engine.request(id)
  const role = roleFor(request, command)
  const owners = request.kind === 'restore' ? (request.plan.owners ?? []) : []
  for (const strategy of [strategyOfRequest(request), ...owners])
    await gate.allow(person, { command, role, open: false, strategy, subject: id, now: true })
  return request
}

/** A restore is confirmed by whoever asked; everything else that needs a second person is theirs, however they say it. */
function roleFor({ kind, needs }: AnyRequestView, command: string): Role {
  const isTheirOwn = kind === 'restore' && command === 'confirm'
  return needs.second && !isTheirOwn ? 'approve' : needs.role
}

/** What goes on after a decision: its run, or what came of it. */
export async function decided({ engine }: CommandContext, request: AnyRequestView): Promise<Reply> {
  if (request.run !== null && request.state === 'approved')
    return { type: 'run', run: await engine.run(request.run), note: null }
  if (request.kind === 'restore' || request.kind === 'prune') return { type: 'plan', request, dryRun: false }
  return { type: 'text', text: summaryOf(request), data: request }
}
