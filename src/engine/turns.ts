import { addAbortListener } from 'node:events'
import { Fault } from '../core/faults.ts'
import type { Processes } from '../sys/process.ts'
import type { EngineContext } from './context.ts'

interface Line {
  /** Settles when whoever came last has gone. */
  last: Promise<void>
  /** At work or waiting. */
  there: number
}

const lines = new WeakMap<Processes, Line>()

/** What makes a key of a passphrase outside a run takes 256 MiB, however often people ask: one at a time, in the order they came
 * (promise 19).
 * @param signal   ends the waiting
 * @param longest  so many may wait; who comes then is told so
 * @throws Fault busy, and whatever `work` throws */
export async function inTurn<T>(
  { processes }: EngineContext,
  { signal, longest = Infinity }: { signal?: AbortSignal; longest?: number },
  work: () => Promise<T>,
): Promise<T> {
  const line = lines.get(processes) ?? { last: Promise.resolve(), there: 0 }
  lines.set(processes, line)
  if (line.there > longest)
    throw new Fault('busy', `${line.there} others wait for the same`, { hint: 'ask again in a minute' })
  const before = line.last
  const { promise: gone, resolve: go } = Promise.withResolvers<void>()
  line.last = before.then(() => gone)
  line.there++
  try {
    await (signal ? untilAborted(before, signal) : before)
    return await work()
  } finally {
    line.there--
    go()
  }
}

async function untilAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  using _listening = addAbortListener(signal, () => reject(signal.reason))
  await Promise.race([turn, promise])
}
