import { Fault } from '../core/faults.ts'
import type { Actor, AnyRequestView } from '../core/model.ts'
import { findAnyRequest } from '../state/requests.ts'
import type { EngineContext } from './context.ts'
import { confirmPrune, dismissPrune } from './prune-run.ts'
import { confirmRequest, dismissRequest } from './restore/requests.ts'

/** A request of any kind, as it was shown to whoever decides it now. */
interface Decision {
  id: string
  version: number
  actor: Actor
}

/** @throws Fault not-found */
export async function requestOf(context: EngineContext, id: string): Promise<AnyRequestView> {
  const found = await findAnyRequest(context.database.read, id)
  if (!found) throw new Fault('not-found', `there is no request ${id.slice(0, 40)}`)
  return found.view
}

/** Starts what was asked for. @throws Fault not-found · stale · expired · denied */
export async function confirmAny(
  context: EngineContext,
  { id, version, actor }: Decision,
): Promise<AnyRequestView> {
  const view = await requestOf(context, id)
  return view.kind === 'prune'
    ? confirmPrune(context, { view }, { version, actor })
    : confirmRequest(context, id, version, actor)
}

/** Nothing is done, and the card says so. @throws Fault not-found · stale · expired · denied */
export async function dismissAny(
  context: EngineContext,
  { id, version, actor }: Decision,
): Promise<AnyRequestView> {
  const view = await requestOf(context, id)
  return view.kind === 'prune'
    ? dismissPrune(context, { view }, { version, actor })
    : dismissRequest(context, id, version, actor)
}
