import type { Clock } from '../core/clock.ts'

/** The machine's own time and randomness; the only place that reads either. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
  random: () => Math.random(),
}

const longestMs = 2 ** 31 - 1 // of one timer, about 25 days; Node fires a longer one at once

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    let left = ms
    let timer = next()
    function next(): NodeJS.Timeout {
      const piece = Math.min(left, longestMs)
      left -= piece
      return setTimeout(left > 0 ? () => void (timer = next()) : done, piece)
    }
    function done(): void {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted(): void {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
