import { cellText } from '../commands/phrases.ts'
import type { Cell, Table, TableRow } from '../commands/reply.ts'
import { harmless, paint, type Colour } from './terminal.ts'

export interface Look {
  /** Columns of the screen; null = no limit. */
  width: number | null
  colours: boolean
  now: number
}

const gap = 2
const narrowest = 8 // a text column is not cut below this

/** Columns aligned and cut to the screen's width, except what people copy (ids): that stays whole. */
export function renderTable(table: Table, look: Look): string {
  if (table.rows.length === 0) return table.empty
  const columns = table.columns.map(({ key, label }) => columnOf(key, label, table.rows, look))
  const widths = fit(columns, look.width)
  const head = columns.map((column, at) =>
    paint(pad(column.label, widths[at]!, column), 'bold', look.colours),
  )
  const body = table.rows.map((_, row) =>
    columns.map((column, at) => {
      const { text, colour } = column.cells[row]!
      return paint(pad(text, widths[at]!, column), colour, look.colours)
    }),
  )
  const lines = [head, ...body].map((cells) => cells.join(' '.repeat(gap)).trimEnd())
  return [...lines, '', paint(harmless(table.summary), 'dim', look.colours)].join('\n')
}

export const stateColours: Partial<Record<Extract<Cell, { kind: 'state' }>['state'], Colour>> = {
  overdue: 'red',
  failed: 'red',
  interrupted: 'red',
  degraded: 'yellow',
  cancelled: 'yellow',
  running: 'cyan',
  succeeded: 'green',
}

interface Column {
  label: string
  cells: { text: string; colour: Colour | null }[]
  isNumber: boolean
  isWhole: boolean
  width: number
}

function columnOf(key: string, label: string, rows: TableRow[], look: Look): Column {
  const values = rows.map((row) => row.cells[key])
  const cells = values.map((cell) => ({
    text: cell ? harmless(cellText(cell, look)).replaceAll('\n', ' ') : '',
    colour: cell?.kind === 'state' ? (stateColours[cell.state] ?? null) : null,
  }))
  return {
    label,
    cells,
    isNumber: values.some((cell) => cell !== undefined && numbers.includes(cell.kind)),
    isWhole: values.some((cell) => cell?.kind === 'code'),
    width: Math.max(label.length, ...cells.map(({ text }) => text.length)),
  }
}

const numbers: readonly Cell['kind'][] = ['bytes', 'count', 'duration']

/** Takes from the widest column that may be cut until the row fits. */
function fit(columns: Column[], screen: number | null): number[] {
  const widths = columns.map(({ width }) => width)
  if (screen === null) return widths
  const total = () => widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1)
  while (total() > screen) {
    const widest = columns
      .map((column, at) => ({ at, width: column.isWhole ? 0 : widths[at]! }))
      .reduce((a, b) => (b.width > a.width ? b : a))
    if (widest.width <= narrowest) break
    widths[widest.at]! -= 1
  }
  return widths
}

function pad(text: string, width: number, column: Column): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
  return column.isNumber ? cut.padStart(width) : cut.padEnd(width)
}
