import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/sys/clock.ts'

export interface FastClock extends Clock {
  /** Moves wall time only, as somebody setting the clock does. */
  jump(ms: number): void
  /** From now on time passes at this speed; who sleeps already goes on as before. */
  hurry(speed: number): void
  /** Every sleep that was asked for, newest last. */
  readonly slept: readonly number[]
}

/** The machine's time, running `speed` times as fast: minutes of waiting pass in a blink while real programs run. */
export function fastClock(firstSpeed: number, startAt = Date.parse('2026-11-20T06:00:00Z')): FastClock {
  let speed = firstSpeed
  let begun = performance.now()
  let before = 0
  const slept: number[] = []
  let jumped = 0
  const monotonic = (): number => before + (performance.now() - begun) * speed
  return {
    monotonic,
    now: () => Math.floor(startAt + jumped + monotonic()),
    sleep: (ms, signal) => {
      slept.push(ms)
      return systemClock.sleep(ms / speed, signal)
    },
    random: () => systemClock.random(),
    jump: (ms) => void (jumped += ms),
    hurry: (next) => {
      before = monotonic()
      begun = performance.now()
      speed = next
    },
    slept,
  }
}
