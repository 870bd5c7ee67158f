import { dateText } from '../commands/phrases.ts'
import type { AnyRequestView } from '../core/model.ts'
import { Fault } from '../core/faults.ts'
import type { App } from './app-contract.ts'
import { follow } from './follow.ts'
import { remark, type Session } from './session.ts'
import { harmless } from './terminal.ts'

const lookMs = 1_000
const interruptedExit = 130 // what shells say of a program that Ctrl-C ended

/** Waits until a second person decided, then watches the run. Ctrl-C leaves: the request stays.
 * @returns the exit code. @throws Fault rejected · expired · stale · cancelled */
export async function waitForDecision(session: Session, app: App, asked: AnyRequestView): Promise<number> {
  const left = new AbortController()
  const release = session.terminal.onInterrupt(() => left.abort())
  remark(session, harmless(whereItWaits(asked, app)))
  try {
    for (let now = asked; ; now = await app.engine.request(asked.id)) {
      if (now.state !== 'waiting') return await afterwards(session, app, now)
      if (app.clock.now() > now.expiresAt) throw outcome({ ...now, state: 'expired' })
      await app.clock.sleep(lookMs, left.signal)
    }
  } catch (error) {
    if (!left.signal.aborted) throw error
    remark(session, `\nthe request stays; \`easy-backup confirm ${asked.id}\` waits for it again`)
    return interruptedExit
  } finally {
    release()
  }
}

function whereItWaits({ id, expiresAt, timezone }: AnyRequestView, app: App): string {
  const at = dateText(expiresAt, timezone)
  const where = app.besideService
    ? 'its card is in the approvals channel of Slack'
    : 'no service runs here, so nobody is asked in Slack before one does'
  return [
    `this needs a second person: request ${id} waits until ${at}; ${where}`,
    `Ctrl-C leaves it waiting. Without a second person: \`easy-backup approve ${id} --reason "…"\` on this host; everybody is told`,
  ].join('\n')
}

async function afterwards(session: Session, app: App, now: AnyRequestView): Promise<number> {
  if (now.run === null) throw outcome(now)
  remark(session, harmless(`approved by ${now.decidedBy?.id ?? 'somebody'}`))
  return follow(session, app, [await app.engine.run(now.run)])
}

function outcome({ state, decidedBy, decision, fault, id }: AnyRequestView): Fault {
  const hint = 'nothing was changed'
  if (state === 'rejected')
    return new Fault(
      'rejected',
      `request ${id} was rejected by ${decidedBy?.id ?? 'somebody'}: ${decision ?? 'no reason'}`,
      {
        hint,
      },
    )
  if (state === 'expired') return new Fault('expired', `nobody decided request ${id} in time`, { hint })
  return fault?.code === 'stale'
    ? new Fault('stale', `request ${id} is void: ${fault.text}`, { hint })
    : new Fault('cancelled', `request ${id} was cancelled by ${decidedBy?.id ?? 'somebody'}`, { hint })
}
