import { cellText, levelText } from '../../commands/phrases.ts'
import type { Cell } from '../../commands/reply.ts'
import { clean, code, escape, moment, people, safe } from './words.ts'

/** A value as plain text on one line: not escaped, no tokens. For tables, where Slack reads no markup. */
export function plainCell(cell: Cell, now: number): string {
  const text =
    cell.kind === 'level' && cell.level !== null
      ? levelText({ ...cell, level: cell.level })
      : cellText(cell, { now, timezone: 'UTC' })
  return clean(text).replace(/\s+/g, ' ').trim() || '–'
}

/** The same as mrkdwn, where dates can be in the reader's zone. */
export function richCell(cell: Cell, now: number): string {
  if (cell.kind === 'text') return people(safe(cell.text)) || '–'
  if (cell.kind === 'code') return code(cell.text)
  if (cell.kind === 'instant' && cell.at !== null && cell.as === 'time')
    return moment(cell.at, cell.timezone ?? 'UTC')
  return escape(plainCell(cell, now))
}

/** What a column is sorted by; null when it is words. */
export function sortValue(cell: Cell): number | null {
  switch (cell.kind) {
    case 'bytes':
      return cell.bytes
    case 'count':
      return cell.count
    case 'duration':
      return cell.ms
    case 'instant':
      return cell.at === null ? null : Math.floor(cell.at / 1000)
    default:
      return null
  }
}

export function isNumeric(cell: Cell): boolean {
  return cell.kind === 'bytes' || cell.kind === 'count' || cell.kind === 'duration'
}
