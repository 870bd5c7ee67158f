import type { StrategyView, SwapResult, SwapView, UndoResult } from '../core/model.ts'
import { dateText } from './phrases.ts'
import { text, type Fact } from './reply.ts'

const which = { new: 'the restored database', old: 'the database from before the restore' } as const

/** "shop is the restored database; the one before it is kept as shop_before_20261120_060000" */
export function replacedWords({ name, inPlace, kept }: Pick<SwapView, 'name' | 'inPlace' | 'kept'>): string {
  return `${name} is ${which[inPlace]}; ${which[inPlace === 'new' ? 'old' : 'new']} is kept as ${kept}`
}

/** What a strategy has of databases that were replaced, and how to get them back. */
export function replacedFacts({
  replaced = [],
  timezone,
}: Pick<StrategyView, 'replaced' | 'timezone'>): Fact[] {
  return replaced.map((swap, index) => {
    const isOlder = replaced
      .slice(index + 1)
      .some(({ name, endpoint }) => name === swap.name && endpoint === swap.endpoint)
    return {
      label: 'Replaced',
      cell: text(isOlder ? olderWords(swap, timezone) : keptWords(swap, timezone)),
    }
  })
}

/** A later restore replaced what this one had put in place: of the two names only the kept one says something still. */
function olderWords({ name, kept, until }: SwapView, timezone: string): string {
  const end = until === null ? '' : ` until ${dateText(until, timezone)}`
  return `an older ${name} is kept as ${kept}${end}; it was replaced again since`
}

function keptWords(swap: SwapView, timezone: string): string {
  if (swap.until === null) return `${swap.name} is being exchanged or tidied up`
  return `${replacedWords(swap)} until ${dateText(swap.until, timezone)}; \`undo ${swap.run}\` puts it back`
}

/** Under the result of a restore in place. */
export function swapLines(
  { kept, until, inPlace, safety, sessions, downMs }: SwapResult,
  timezone: string,
): string[] {
  const about = [
    ...(downMs === null ? [] : [`nobody could connect for ${downMs} ms`]),
    ...(sessions === null ? [] : [`${sessions} ${sessions === 1 ? 'session was' : 'sessions were'} dropped`]),
  ].join(', ')
  const old = inPlace === 'new' ? 'the one before' : 'it was undone: the restored one'
  return [
    ...(about === '' ? [] : [about]),
    until === null
      ? `the time to undo is over; ${kept} is not kept any more`
      : `${old} is kept as ${kept} until ${dateText(until, timezone)}`,
    ...(safety === null ? [] : [`safety backup ${safety}`]),
  ]
}

/** "shop is the database from before the restore again" */
export function undoWords({ name, inPlace, downMs }: UndoResult): string {
  const down = downMs === null ? '' : ` · nobody could connect for ${downMs} ms`
  return `${name} is ${which[inPlace]} again${down}`
}

export function undoLines({ kept, until, sessions }: UndoResult, timezone: string): string[] {
  const dropped =
    sessions === null ? [] : [`${sessions} ${sessions === 1 ? 'session was' : 'sessions were'} dropped`]
  return [...dropped, `what it replaced is kept as ${kept} until ${dateText(until, timezone)}`]
}
