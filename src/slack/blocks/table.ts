import type { DataTableBlock, KnownBlock } from '@slack/types'
import { formatCount } from '../../core/duration.ts'
import type { Cell, Table, TableRow } from '../../commands/reply.ts'
import { actions } from '../actions.ts'
import { cut, groupsOf, lengthOf, limits, pad } from '../limits.ts'
import { isNumeric, plainCell, sortValue } from './cells.ts'
import { actionRows, button, context, fenced, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { joined, safe, safeLine } from './words.ts'

export interface TableView {
  now: number
  /** basic: aligned text, which every client shows. rich: Slack's own sortable table. */
  style: 'basic' | 'rich'
  /** From 0. */
  page: number
  /** The command that made the table, to be asked again by Previous and Next; null: no such buttons. */
  words: string | null
  /** Everybody sees it, and this person showed it. */
  sharedBy?: string
}

/** A list: totals first, then one page of rows. */
export function drawTable(table: Table, view: TableView): Drawn {
  const headline = joined(`*${safeLine(table.title, 200).replaceAll('*', '')}*`, safe(table.summary))
  if (table.rows.length === 0)
    return finish([headline, safe(table.empty)], [section(headline), section(safe(table.empty))])
  const pages = pagesOf(table, view)
  const page = Math.min(Math.max(0, view.page), pages.length - 1)
  const rows = pages[page]!
  const before = pages.slice(0, page).reduce((sum, one) => sum + one.length, 0)
  const grid =
    view.style === 'rich' ? dataTable(table, rows, view.now) : fenced(aligned(table, rows, view.now))
  const range =
    pages.length === 1
      ? null
      : `${formatCount(before + 1)}–${formatCount(before + rows.length)} of ${formatCount(table.rows.length)}`
  const blocks: KnownBlock[] = [
    section(headline),
    grid,
    ...(range === null ? [] : [context(range)]),
    ...(view.sharedBy === undefined ? [] : [context(`shared by <@${safeLine(view.sharedBy, 40)}>`)]),
    ...actionRows([...turning(view, page, pages.length), shareButton(table, view, page)]),
  ]
  const lines = rows.slice(0, limits.textTableRows).map((row) => spokenRow(table, row, view.now))
  return finish([headline, ...lines, range ?? ''].filter(Boolean), blocks)
}

/** Of aligned text as many rows as are readable; of Slack's own table as many as it takes, by count and by characters. */
function pagesOf(table: Table, { style, now }: TableView): TableRow[][] {
  if (style === 'basic') return groupsOf(table.rows, limits.textTableRows)
  const columns = shownColumns(table)
  const room = limits.dataTable.characters - lengthIn(columns.map(({ label }) => topCell(label)))
  const pages: TableRow[][] = [[]]
  let left = room
  for (const row of table.rows) {
    const length = lengthIn(columns.map(({ key }) => rawCell(row.cells[key], now)))
    const last = pages.at(-1)!
    const isFull = last.length === limits.dataTable.rows || (length > left && last.length > 0)
    if (isFull) pages.push([])
    left = (isFull ? room : left) - length
    pages.at(-1)!.push(row)
  }
  return pages
}

const lengthIn = (cells: { text: string }[]): number => cells.reduce((sum, { text }) => sum + text.length, 0)

const shownColumns = ({ columns }: Table): Table['columns'] => columns.slice(0, limits.dataTable.columns)

function turning({ words }: TableView, page: number, pages: number): ReturnType<typeof button>[] {
  if (words === null) return []
  const previous = { label: '‹ Previous', action: actions.previousPage, value: { words, page: page - 1 } }
  const next = { label: 'Next ›', action: actions.nextPage, value: { words, page: page + 1 } }
  return [page > 0 ? button(previous) : null, page < pages - 1 ? button(next) : null]
}

function shareButton({ isPrivate }: Table, { words }: TableView, page: number): ReturnType<typeof button> {
  return words === null || isPrivate
    ? null
    : button({ label: 'Share', action: actions.shareList, value: { words, page } })
}

const widestCell = 64

/** Columns under their labels; numbers to the right. */
function aligned(table: Table, rows: TableRow[], now: number): string {
  const texts = rows.map((row) =>
    table.columns.map(({ key }) => cut(cellText(row.cells[key], now), widestCell)),
  )
  const labels = table.columns.map(({ label }) => cut(label, widestCell))
  const widths = labels.map((label, column) =>
    Math.max(lengthOf(label), ...texts.map((row) => lengthOf(row[column] ?? ''))),
  )
  const sides = table.columns.map(({ key }) =>
    rows.some((row) => row.cells[key] && isNumeric(row.cells[key])) ? 'left' : 'right',
  )
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0, sides[column] ?? 'right'))
      .join('  ')
      .trimEnd()
  return [labels, ...texts].map(line).join('\n')
}

function cellText(cell: Cell | undefined, now: number): string {
  return cell === undefined ? '' : plainCell(cell, now)
}

function spokenRow(table: Table, row: TableRow, now: number): string {
  return table.columns
    .map(({ key, label }) => `${safeLine(label, 40)} ${safeLine(cellText(row.cells[key], now), 100)}`)
    .join(', ')
}

/** Slack's own table: what does not fit its characters is left out. */
export function dataTable(table: Table, rows: TableRow[], now: number): DataTableBlock {
  const columns = shownColumns(table)
  const top = columns.map(({ label }) => topCell(label))
  let left = limits.dataTable.characters - top.reduce((sum, { text }) => sum + text.length, 0)
  const body: DataTableBlock['rows'] = []
  for (const row of rows) {
    const cells = columns.map(({ key }) => rawCell(row.cells[key], now))
    left -= cells.reduce((sum, { text }) => sum + text.length, 0)
    if (left < 0) break
    body.push(cells)
  }
  return {
    type: 'data_table',
    caption: cut(table.title, limits.header) || ' ',
    page_size: limits.dataTable.pageSize,
    rows: [top, ...body],
  }
}

function topCell(label: string): RawCell {
  return { type: 'raw_text', text: cut(label, 100) || ' ' }
}

type RawCell = { type: 'raw_text'; text: string } | { type: 'raw_number'; value: number; text: string }

function rawCell(cell: Cell | undefined, now: number): RawCell {
  const text = cut(cellText(cell, now), 200) || ' '
  const value = cell === undefined ? null : sortValue(cell)
  return value === null ? { type: 'raw_text', text } : { type: 'raw_number', value, text }
}
