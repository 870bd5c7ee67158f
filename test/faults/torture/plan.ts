import { randomFrom } from '../../support/random.ts'
import { strategyNames, type Ability } from './house.ts'
import { between, pick, type Strike } from './strike.ts'
import { strikes } from './strikes.ts'
import type { Work } from './work.ts'

/** What one round does. A pure function of seed, round and abilities, so that any round can be replayed. */
export interface Round {
  number: number
  works: Work[]
  strikes: { strike: Strike; afterMs: number }[]
  /** Decides what the strikes themselves leave open. */
  random: () => number
}

const twoStrikes = 0.25
const longestWaitMs = 1_600 // a backup takes about a second here: moments before, during and after each of its steps

export function planRound(
  seed: number,
  number: number,
  { abilities, only }: { abilities: ReadonlySet<Ability>; only: string | null },
): Round {
  const random = randomFrom(seed ^ Math.imul(number, 0x9e3779b1))
  random() // neighbouring seeds begin alike
  const possible = strikes.filter(
    ({ needs, kind }) => (!needs || abilities.has(needs)) && (only === null || kind.includes(only)),
  )
  const chosen = [pick(random, possible)]
  if (random() < twoStrikes) {
    const other = pick(random, possible)
    if (other.kind !== chosen[0]!.kind) chosen.push(other)
  }
  const onlySlack = chosen.some((strike) => strike.onlySlack)
  const works = Array.from({ length: between(random, 1, 3) }, () => pickWork(random, onlySlack))
  return {
    number,
    works,
    strikes: chosen.map((strike) => ({ strike, afterMs: between(random, 0, longestWaitMs) })),
    random,
  }
}

function pickWork(random: () => number, onlySlack: boolean): Work {
  const strategy = pick(random, strategyNames)
  const what = onlySlack
    ? 'backup'
    : pick(random, ['backup', 'backup', 'backup', 'restore', 'verify', 'list', 'sync'])
  if (what === 'backup') return { what, strategy, via: onlySlack || random() < 0.4 ? 'slack' : 'command' }
  if (what === 'restore' || what === 'verify') return { what, strategy }
  return { what } as Work
}

export function describe({ number, works, strikes: planned }: Round): string {
  const asked = works.map((work) =>
    [work.what, 'strategy' in work ? work.strategy : '', 'via' in work ? `by ${work.via}` : '']
      .filter(Boolean)
      .join(' '),
  )
  const struck = planned.map(({ strike, afterMs }) => `${strike.kind} after ${afterMs} ms`)
  return `round ${number}: ${asked.join(', ')}; ${struck.join(', then ')}`
}
