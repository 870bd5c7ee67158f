import { formatCount } from '../core/duration.ts'
import type { Listed } from '../core/report.ts'

/** One row of a table. */
export type Cells = readonly string[]

/** An instant as the report shows it. */
export type Stamp = (at: number | null) => string

/** A heading and its table, or a word that there is nothing. */
export function section(title: string, columns: Cells, { rows, total }: Listed<Cells>): string {
  if (total === 0) return `## ${title}\n\nNone.`
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => row.map(cell))]
  const table = lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
  const cut =
    total > rows.length
      ? `\n\nThe oldest ${formatCount(rows.length)} of ${formatCount(total)}; a shorter period shows the others.`
      : ''
  return `## ${title}\n\n${table}${cut}`
}

/** What people and databases wrote is text: it ends no cell and is no markup. */
function cell(words: string): string {
  return words
    .replaceAll(/\s+/g, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll(/[`*[\]]/g, '\\$&')
}

/** `2026-11-20 06:00:00 +01:00` */
export function stampIn(at: number, timezone: string): string {
  const { year, month, day, hour, minute, second, timeZoneName } = partsIn(at, timezone)
  const offset = timeZoneName === 'GMT' ? '+00:00' : timeZoneName!.slice('GMT'.length)
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${offset}`
}

/** `2026-11-20` */
export function dateIn(at: number, timezone: string): string {
  const { year, month, day } = partsIn(at, timezone)
  return `${year}-${month}-${day}`
}

function partsIn(at: number, timeZone: string): Partial<Record<Intl.DateTimeFormatPartTypes, string>> {
  const format = new Intl.DateTimeFormat('en-CA', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
    timeZone,
  })
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
}
