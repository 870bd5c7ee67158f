import type { CloneResult, CloneView } from '../core/clone.ts'
import { formatCount } from '../core/duration.ts'
import type { StrategyView } from '../core/model.ts'
import { dateText } from './phrases.ts'
import { text, type Fact } from './reply.ts'

/** Under the result of a copy: what was sanitized, and how long it stays. */
export function cloneLines({ sanitized, until, replaced }: CloneResult, timezone: string): string[] {
  return [
    sanitized.length === 0
      ? 'nothing was sanitized: it holds the data as it is'
      : `sanitized: ${sanitized.map(({ file, rows }) => (rows === null ? file : `${file} (${rowWords(rows)})`)).join(', ')}`,
    ...(replaced ? ['the database of this name from before is dropped'] : []),
    until === null ? 'it stays until somebody drops it' : `it is dropped ${dateText(until, timezone)}`,
  ]
}

/** What a strategy has of copies in other databases. */
export function copyFacts({ copies = [], timezone }: Pick<StrategyView, 'copies' | 'timezone'>): Fact[] {
  return copies.map((copy) => ({ label: 'Copy', cell: text(copyWords(copy, timezone)) }))
}

function copyWords({ place, name, endpoint, backup, until }: CloneView, timezone: string): string {
  const end = until === null ? 'stays' : `is dropped ${dateText(until, timezone)}`
  return `${place}: ${name} on ${endpoint} holds ${backup}, ${end}`
}

function rowWords(rows: number): string {
  return `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'} changed`
}
