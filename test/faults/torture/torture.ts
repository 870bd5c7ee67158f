import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { furnish, strategyNames, type House } from './house.ts'
import { newLedger, page, type Ledger } from './ledger.ts'
import { describe, planRound, type Round } from './plan.ts'
import { playRound } from './rounds.ts'
import { ask } from './work.ts'

export interface Wanted {
  minutes: number
  seed: number
  /** Rounds at most. */
  rounds: number
  /** The first round: with `rounds` 1 it replays just this one. */
  from: number
  /** Only faults whose name holds this. */
  only: string | null
  /** Where the ledger goes, beside what is said: `<out>.md` and `<out>.json`. */
  out: string | null
  say: (line: string) => void
}

export const freshSeed = (): number => randomInt(2 ** 32)

/** Hurts a real installation again and again, and looks at every promise after each time. Ends at the first that is broken. */
export async function torture(wanted: Wanted): Promise<Ledger> {
  const begun = performance.now()
  const house = await furnish()
  const ledger = newLedger(wanted.seed, house.abilities, new Date().toISOString())
  try {
    await house.bot.start()
    for (const strategy of strategyNames) await ask(house, { what: 'backup', strategy, via: 'command' })
    const isOver = (number: number): boolean =>
      number >= wanted.from + wanted.rounds || performance.now() - begun > wanted.minutes * 60_000
    for (let number = wanted.from; !isOver(number) && ledger.broken.length === 0; number++) {
      const round = planRound(wanted.seed, number, { abilities: house.abilities, only: wanted.only })
      wanted.say(describe(round))
      await playRound(house, round, ledger).catch((error: unknown) => breaks(round, ledger, error))
      ledger.minutes = Math.round((performance.now() - begun) / 6_000) / 10
      keep(ledger, wanted.out)
    }
    if (ledger.broken.length === 0) await farewell(house, ledger)
  } finally {
    keep(ledger, wanted.out)
    if (ledger.broken.length > 0 && process.env.TORTURE_KEEP) wanted.say(`kept: ${house.bot.folder}`)
    else await house.close()
  }
  return ledger
}

function breaks(round: Round, ledger: Ledger, error: unknown): void {
  const { message, stack, cause } = error as Error
  const where =
    stack
      ?.split('\n')
      .filter((line) => line.includes('/test/'))
      .slice(0, 4)
      .join('\n') ?? ''
  ledger.broken.push({
    round: describe(round),
    what: `${message}\n${where}${cause instanceof Error ? `\ncause: ${cause.message}` : ''}`,
  })
}

async function farewell(house: House, ledger: Ledger): Promise<void> {
  const code = await house.bot.end('SIGTERM')
  if (code !== 0) ledger.broken.push({ round: 'the end', what: `after SIGTERM the service exited ${code}` })
}

function keep(ledger: Ledger, out: string | null): void {
  if (out === null) return
  writeFileSync(`${out}.md`, page(ledger))
  writeFileSync(`${out}.json`, `${JSON.stringify(ledger, null, 2)}\n`)
}
