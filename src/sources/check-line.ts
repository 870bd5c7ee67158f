import { asFault } from '../core/faults.ts'
import type { CheckLine } from './source.ts'

/** Tried by itself: what it throws is what it says, so that one run of doctor shows everything. */
export async function checkLine(
  name: string,
  signal: AbortSignal,
  tryIt: () => Promise<string>,
): Promise<CheckLine> {
  try {
    return { name, ok: true, text: await tryIt(), hint: null }
  } catch (error) {
    signal.throwIfAborted()
    const { message, hint } = asFault(error)
    return { name, ok: false, text: message, hint }
  }
}
