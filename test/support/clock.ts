import type { Clock } from '../../src/core/clock.ts'

export interface FakeClock extends Clock {
  /** Moves time and lets everything that was due run, in order. */
  advance(ms: number): Promise<void>
  /** Sets wall time without monotonic time passing: a jump. */
  jump(to: number): void
}

interface Sleeper {
  at: number
  wake: () => void
}

/** A clock that stands still until it is told to move. `seed` makes `random` repeatable. */
export function fakeClock(startAt = Date.parse('2026-11-20T06:00:00Z'), seed = 1): FakeClock {
  let wall = startAt
  let mono = 0
  let state = seed
  const sleepers = new Set<Sleeper>()

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const sleeper: Sleeper = { at: mono + ms, wake: () => (sleepers.delete(sleeper), resolve()) }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => (sleepers.delete(sleeper), reject(signal.reason as Error)), {
        once: true,
      })
    })
  }

  async function advance(ms: number): Promise<void> {
    const until = mono + ms
    await settle()
    for (;;) {
      const next = [...sleepers].filter((s) => s.at <= until).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      const step = Math.max(0, next.at - mono)
      wall += step
      mono += step
      next.wake()
      await settle()
    }
    wall += until - mono
    mono = until
    await settle()
  }

  return {
    now: () => wall,
    monotonic: () => mono,
    sleep,
    advance,
    jump: (to) => void (wall = to),
    random: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    },
  }
}

/** Lets pending promises and immediate callbacks run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
