import type { Ability, House } from './house.ts'

export type Family =
  | 'process'
  | 'disk'
  | 'network and S3'
  | 'Slack'
  | 'database'
  | 'time'
  | 'at rest'
  | 'person'

/** Undoes a strike, as a person or time would, and says what must be true because of it. */
export type Heal = () => Promise<void>

/** One way to hurt a running installation. Whatever it chooses comes from `random`, so that a seed replays it. */
export interface Strike {
  kind: string
  family: Family
  needs?: Ability
  /** Clock faults: what is asked meanwhile goes through the service, whose clock is the wrong one. */
  onlySlack?: boolean
  strike(house: House, random: () => number): Promise<Heal>
}

export const nothing: Heal = () => Promise.resolve()
export const pause = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms))
export const between = (random: () => number, low: number, high: number): number =>
  Math.round(low + random() * (high - low))
export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!
}
