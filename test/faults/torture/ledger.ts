import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { checks } from '../../support/scene.ts'
import type { Ability } from './house.ts'
import type { Strike } from './strike.ts'
import { strikes } from './strikes.ts'

/** What a torture did and saw; plain JSON. */
export interface Ledger {
  seed: number
  minutes: number
  begunAt: string
  rounds: number
  faults: Record<string, number>
  runs: Record<string, number>
  /** Promise (its number and words) → how often it was looked at. */
  looks: Record<string, number>
  restoresCompared: number
  starts: number
  peakMiB: number
  /** The longest time from a start until every run had its end. */
  slowestRecoveryMs: number
  /** Rounds after which a start had to remove what could not be removed while the disk was away. */
  tidiedByStart: number
  leftOut: string[]
  broken: { round: string; what: string }[]
}

export function newLedger(seed: number, abilities: ReadonlySet<Ability>, begunAt: string): Ledger {
  return {
    seed,
    minutes: 0,
    begunAt,
    rounds: 0,
    faults: {},
    runs: {},
    looks: {},
    restoresCompared: 0,
    starts: 0,
    peakMiB: 0,
    slowestRecoveryMs: 0,
    tidiedByStart: 0,
    leftOut: strikes.flatMap(({ kind, needs }) =>
      needs && !abilities.has(needs) ? [`${kind} (needs ${needs})`] : [],
    ),
    broken: [],
  }
}

export function count(into: Record<string, number>, what: string, by = 1): void {
  into[what] = (into[what] ?? 0) + by
}

export function countLooks(ledger: Ledger): void {
  for (const { promise, says } of checks) count(ledger.looks, `${promise} ${says}`)
}

/** As a page: what the README quotes. */
export function page(ledger: Ledger): string {
  const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)
  const rows = (counts: Record<string, number>): string[] =>
    Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([what, times]) => `| ${what} | ${times} |`)
  const looks = Object.entries(ledger.looks).map(([says, times]) => `| ${says} | ${times} |`)
  return `# What the torture saw

\`npm run torture -- --minutes ${ledger.minutes} --seed ${ledger.seed}\` on ${ledger.begunAt.slice(0, 10)}, ${cpus().length} × ${processor()}.

**${ledger.rounds} rounds, ${sum(ledger.faults)} faults, ${sum(ledger.runs)} runs, ${ledger.starts} starts of the service, promises looked at ${sum(ledger.looks)} times; broken: ${ledger.broken.length}.**
Restored databases compared row for row: ${ledger.restoresCompared}. Slowest recovery: ${(ledger.slowestRecoveryMs / 1000).toFixed(1)} s. Peak memory of the service: ${ledger.peakMiB} MiB. Rounds whose leftovers waited for the next start: ${ledger.tidiedByStart}.

| Fault | Times |
|---|---|
${rows(ledger.faults).join('\n')}

| End of a run | Times |
|---|---|
${rows(ledger.runs).join('\n')}

| Promise | Looked at |
|---|---|
${looks.join('\n')}
${ledger.leftOut.length > 0 ? `\nLeft out on this machine: ${ledger.leftOut.join(', ')}.\n` : ''}${ledger.broken.map(({ round, what }) => `\n* BROKEN in ${round}\n  ${what}\n`).join('')}`
}

function processor(): string {
  try {
    return /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'processor'
  } catch {
    return 'processor'
  }
}

export function families(all: readonly Strike[]): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(all, ({ family }) => family)).map(([family, list]) => [
      family,
      list!.map(({ kind }) => kind),
    ]),
  )
}
