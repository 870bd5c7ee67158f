/** Where a request stands. Each ends exactly once (promise 11).
 *
 * | state     | means |
 * |-----------|-------|
 * | requested | durable ask, before its plan exists; a service that died while planning plans it again |
 * | planned   | waits for the requester's own word |
 * | waiting   | waits for somebody else who may decide it |
 * | approved  | decided; its run is queued and has to start in time |
 * | executing | it is being done |
 * | done      | as asked |
 * | rejected  | somebody who may decide said no |
 * | expired   | nobody decided, or nothing started, in time |
 * | cancelled | withdrawn, or void because what it was about changed |
 * | failed    | no plan could be made, or what was begun did not end well |
 */
export type RequestState =
  | 'requested'
  | 'planned'
  | 'waiting'
  | 'approved'
  | 'executing'
  | 'done'
  | 'rejected'
  | 'expired'
  | 'cancelled'
  | 'failed'

/** The one table of what may follow what. */
export const requestMoves: Readonly<Record<RequestState, readonly RequestState[]>> = {
  requested: ['planned', 'waiting', 'expired', 'failed'],
  planned: ['waiting', 'approved', 'expired', 'cancelled'],
  waiting: ['approved', 'rejected', 'expired', 'cancelled'],
  approved: ['executing', 'expired', 'cancelled', 'failed'],
  executing: ['done', 'cancelled', 'failed'],
  done: [],
  rejected: [],
  expired: [],
  cancelled: [],
  failed: [],
}

export const requestStates = Object.keys(requestMoves) as readonly RequestState[]

export const openStates: readonly RequestState[] = requestStates.filter((state) => !isOver(state))

/** Somebody may still say yes or no. */
export function isDecidable(state: RequestState): state is 'planned' | 'waiting' {
  return state === 'planned' || state === 'waiting'
}

/** It has its one end. */
export function isOver(state: RequestState): boolean {
  return requestMoves[state].length === 0
}

export function mayMove(from: RequestState, to: RequestState): boolean {
  return requestMoves[from].includes(to)
}
