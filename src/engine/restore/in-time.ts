import { Fault } from '../../core/faults.ts'

/** Says whom it was that a plan waited for when its time was over (`AbortSignal.timeout`): the signal alone only knows that it was.
 * @throws Fault timed-out · what the work throws */
export async function answered<T>(who: string, signal: AbortSignal, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!isOver(signal) || error instanceof Fault) throw error
    throw new Fault('timed-out', `${who} did not answer in time`, {
      hint: 'nothing was changed; look whether it can be reached, and ask again',
      cause: error,
    })
  })
}

function isOver({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DOMException && reason.name === 'TimeoutError'
}
