import { createHash } from 'node:crypto'
import { canonical } from '../../core/canonical.ts'
import type { Actor, Pin, UnpinRequestView } from '../../core/model.ts'
import { listCopies } from '../../state/catalogue.ts'
import type { Write } from '../../state/database.ts'
import { requestsIn } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import { ended } from '../pin-sidecar.ts'
import { writePin } from '../pins.ts'
import { fileIn, waitingFor } from './file.ts'
import { needsFor } from './needs.ts'

export interface WantedUnpin {
  backup: string
  strategy: string
  createdAt: number
  pin: Pin
}

/** Does the end of this pin need a second person? Then the request that waits for it; the same one when it is asked again.
 * @returns null when the asker's own word is enough */
export async function askToUnpin(
  context: EngineContext,
  { backup, strategy, createdAt, pin }: WantedUnpin,
  by: { actor: Actor; reason: string | null },
): Promise<UnpinRequestView | null> {
  const needs = needsFor(context, strategy, { kind: 'unpin', overwrites: 'nothing', isMass: false })
  if (!needs.second || (by.actor.via === 'cli' && by.reason !== null)) return null
  const plan = { strategy, backup, createdAt, pin, digest: pinDigest(backup, pin) }
  return context.database.write(async (tx) => {
    const open = (await requestsIn(tx, 'waiting')).find(({ view }) => view.plan.digest === plan.digest)
    const asked =
      open?.view ?? (await fileIn(context, tx, waitingFor(context, { ...by, kind: 'unpin', plan, needs })))
    return asked as UnpinRequestView
  })
}

export function pinDigest(backup: string, { by, at, note, until }: Pin): string {
  return createHash('sha256').update(canonical({ backup, by, at, note, until })).digest('hex')
}

/** Lets retention decide again, in the transaction of the decision. */
export async function endPin(context: EngineContext, tx: Write, view: UnpinRequestView): Promise<void> {
  const copies = await listCopies(tx, { id: view.plan.backup })
  await writePin(context, tx, copies, { until: ended, note: null, by: view.decidedBy ?? view.requester })
}
