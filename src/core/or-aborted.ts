/** Waits for work that goes on without us: who is aborted leaves it to the others who wait, or to itself.
 * @throws what the work throws · the signal's reason */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const aborted = (): void => reject(signal.reason as Error)
  if (signal.aborted) aborted()
  signal.addEventListener('abort', aborted, { once: true })
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', aborted))
}
