import { Fault } from '../../core/faults.ts'
import { findRequest } from '../../state/requests.ts'
import { makeClone } from '../clone/make.ts'
import type { EngineContext } from '../context.ts'
import type { Work, WorkResult } from '../work.ts'
import { restoreBeside } from './beside.ts'
import type { FixedAsk } from './choose.ts'
import { restoreInPlace } from './in-place.ts'

/** Carries out what was asked for, beside the old data or in its place. @throws Fault not-found */
export async function restore(context: EngineContext, work: Work): Promise<WorkResult> {
  const request = await findRequest<FixedAsk>(context.database.read, work.run.params.request ?? '')
  if (!request) throw new Fault('not-found', 'the request of this restore is gone')
  if (request.ask.clone !== undefined) return makeClone(context, work, request)
  return request.ask.inPlace ? restoreInPlace(context, work, request) : restoreBeside(context, work, request)
}
