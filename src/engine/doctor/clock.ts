import { passed, type Check } from '../../core/checks.ts'
import { formatDuration } from '../../core/duration.ts'

/** What somebody else's clock said, and when we asked and heard it by ours. All epoch ms. */
export interface Reading {
  /** Whose clock: `Slack`. */
  of: string
  time: number
  asked: number
  answered: number
}

const tolerableMs = 60_000 // Slack refuses signed requests from 5 minutes on, S3 from 15; a slot is off by as much

/** Slots, retention and signatures depend on the clock. Slack's counts most; a database's tells only that one of two is wrong. */
export function checkClock(readings: readonly Reading[]): Check[] {
  const name = 'clock'
  if (readings.length === 0)
    return [passed(name, 'nobody to compare it with: neither Slack nor a database server told the time')]
  const off = readings.filter((reading) => Math.abs(offset(reading)) > tolerableMs)
  const right = readings.filter((reading) => !off.includes(reading))
  const agrees = right.length === 0 ? [] : [passed(name, `agrees with ${right[0]!.of}`)]
  return [
    ...agrees,
    ...off.map((reading): Check => ({
      name,
      state: right.length > 0 && reading.of !== 'Slack' ? 'warning' : 'failed',
      text: `this host is ${formatDuration(Math.abs(offset(reading)))} ${offset(reading) > 0 ? 'ahead of' : 'behind'} ${reading.of}`,
      hint:
        right.length > 0 && reading.of !== 'Slack'
          ? 'the other clock is wrong: set it there'
          : 'set the clock of this host: timedatectl set-ntp true',
    })),
  ]
}

function offset({ time, asked, answered }: Reading): number {
  return Math.round((asked + answered) / 2 - time)
}
