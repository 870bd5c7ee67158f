import { faultFacts } from '../../core/faults.ts'
import type { AnyRequestView } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { notePing, openRequests, requestsIn } from '../../state/requests.ts'
import { endRun, findRun } from '../../state/runs.ts'
import type { EngineContext } from '../context.ts'
import { tellRun } from '../tell.ts'
import { runView } from '../views.ts'
import { isTooLate, lateFault } from './runs.ts'
import { stepIn } from './step.ts'
import { tellPing, tellRequest } from './tell.ts'

/** Requests that nobody decided in time end here, and so does what was approved and did not start; their cards say so. */
export async function endOverdue(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  for (const { view } of await requestsIn(context.database.read, 'requested', 'planned', 'waiting'))
    if (view.expiresAt < now)
      await context.database.write((tx) =>
        stepIn(context, tx, view, { to: 'expired', by: null, act: 'expire', result: 'expired' }),
      )
  for (const { view } of await requestsIn(context.database.read, 'approved'))
    if (isTooLate(context, view)) await context.database.write((tx) => withdraw(context, tx, view))
}

/** A run that has been claimed is left to whoever claimed it: that one looks at the time as well. */
async function withdraw(context: EngineContext, tx: Write, view: AnyRequestView): Promise<void> {
  const run = view.run === null ? null : await findRun(tx, view.run)
  if (run && run.state !== 'queued') return
  const fault = faultFacts(lateFault())
  const step = {
    to: 'expired',
    by: null,
    fault,
    act: 'expire',
    result: 'expired',
    detail: fault.text,
  } as const
  if (!(await stepIn(context, tx, view, step)) || !run) return
  await endRun(tx, run.id, { outcome: 'cancelled', at: context.clock.now(), result: null, fault })
  await tellRun(context, tx, await runView(context, (await findRun(tx, run.id))!, tx))
}

const pingAfter = [1 / 8, 3 / 8, 3 / 4] // of its time; the gaps grow

/** Who may decide is called again while a request waits, ever less often, and never after its end. */
export async function pingAgain(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  for (const { view, pings } of await requestsIn(context.database.read, 'waiting')) {
    const { createdAt, expiresAt } = view
    const due = pingAfter.filter((part) => now >= createdAt + part * (expiresAt - createdAt)).length
    if (!view.needs.second || due <= pings || now >= expiresAt) continue
    await context.database.write(async (tx) => {
      if (await notePing(tx, view.id, { were: pings, are: due }))
        await tellPing(context, tx, { view, ping: due })
    })
  }
}

/** After a start: every card that is not final is looked at again; what it shows already is not sent. */
export async function redrawOpen(context: EngineContext): Promise<void> {
  for (const { view } of await openRequests(context.database.read))
    await context.database.write((tx) => tellRequest(context, tx, view))
}
