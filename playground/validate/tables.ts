import { limits } from '../limits.ts'
import { button } from './elements.ts'
import { richText } from './rich-text.ts'
import {
  below,
  boolean,
  byType,
  id,
  isObject,
  list,
  number,
  object,
  refuse,
  required,
  string,
  type,
  words,
} from './rules.ts'
import type { At, Json, Rule } from './rules.ts'

const rawText = object({ type: type('raw_text'), text: required(words(Infinity)) })
const rawNumber = object({
  type: type('raw_number'),
  value: required(number()),
  text: required(words(Infinity)),
})
const rawCell = byType('cell', () => ({ raw_text: rawText, raw_number: rawNumber }))
const actionCell = object({ type: type('action_cell'), element: required(button), fallback: rawCell })

/** Rows of equal length whose texts stay within a total; texts of tables have their own budget, not the message's. */
function grid(
  cell: Rule,
  size: { rows: number; minRows: number; columns: number; characters: number },
): Rule {
  const rows = list(list(cell, { max: size.columns }), { min: size.minRows, max: size.rows })
  return {
    check(value, at) {
      const before = at.report.characters
      rows.check(value, at)
      const used = at.report.characters - before
      at.report.characters = before
      if (used > size.characters)
        refuse(at, `must be less than ${size.characters + 1} characters in all cells`)
      sameLength(value, at)
    },
  }
}

function sameLength(rows: unknown, at: At): void {
  if (!Array.isArray(rows)) return
  const lengths = new Set(rows.map((row) => (Array.isArray(row) ? row.length : -1)))
  if (lengths.size > 1) refuse(at, 'all rows must have the same number of cells')
}

function plainHeader(value: Json, at: At): void {
  const rows = value['rows']
  const header = Array.isArray(rows) ? rows[0] : []
  if (!Array.isArray(header)) return
  for (const [index, cell] of header.entries()) {
    if (isObject(cell) && (cell['type'] === 'rich_text' || cell['type'] === 'action_cell')) {
      refuse(below(below(below(at, 'rows'), 0), index), `unsupported type: ${cell['type']} (header cell)`)
    }
  }
}

export const table = object({
  type: type('table'),
  block_id: id,
  rows: required(
    grid(
      byType('cell', () => ({ raw_text: rawText, raw_number: rawNumber, rich_text: richText })),
      { ...limits.table, minRows: 1 },
    ),
  ),
  column_settings: list(
    nullable(object({ align: string({ oneOf: ['left', 'center', 'right'] }), is_wrapped: boolean })),
    {
      min: 0,
      max: limits.table.columns,
    },
  ),
})

function nullable(rule: Rule): Rule {
  return { check: (value, at) => (value === null ? undefined : rule.check(value, at)) }
}

export const dataTable = object(
  {
    type: type('data_table'),
    block_id: id,
    caption: required(string()),
    page_size: number({ min: 1, max: limits.dataTable.pageSize, integer: true }),
    row_header_column_index: number({ min: 0, max: limits.dataTable.columns - 1, integer: true }),
    rows: required(
      grid(
        byType('cell', () => ({
          raw_text: rawText,
          raw_number: rawNumber,
          rich_text: richText,
          action_cell: actionCell,
        })),
        {
          ...limits.dataTable,
          minRows: 2,
        },
      ),
    ),
  },
  plainHeader,
)

const label = string({ max: limits.chart.label })
const axis = object({
  categories: required(list(label, { max: limits.chart.points })),
  x_label: string({ max: limits.chart.axisLabel }),
  y_label: string({ max: limits.chart.axisLabel }),
})
const point = object({ label: required(label), value: required(number()) })
const series = object({ name: required(label), data: required(list(point, { max: limits.chart.points })) })

function pointsMatchCategories(value: Json, at: At): void {
  const axisConfig = value['axis_config']
  if (!isObject(axisConfig) || !Array.isArray(value['series'])) return
  const wanted = JSON.stringify(axisConfig['categories'])
  for (const [index, one] of value['series'].entries()) {
    if (!isObject(one) || !Array.isArray(one['data'])) continue
    const given = JSON.stringify(one['data'].map((each: unknown) => (isObject(each) ? each['label'] : null)))
    if (given !== wanted)
      refuse(below(below(at, 'series'), index), 'labels must match axis_config.categories')
  }
}

function cartesian(name: string): Rule {
  return object(
    {
      type: type(name),
      series: required(list(series, { max: limits.chart.series })),
      axis_config: required(axis),
    },
    pointsMatchCategories,
  )
}

export const chart = object({
  type: type('data_visualization'),
  block_id: id,
  title: required(string({ max: limits.chart.title })),
  chart: required(
    byType('chart', () => ({
      pie: object({
        type: type('pie'),
        segments: required(
          list(object({ label: required(label), value: required(number({ min: 0 })) }), {
            max: limits.chart.segments,
          }),
        ),
      }),
      bar: cartesian('bar'),
      line: cartesian('line'),
      area: cartesian('area'),
    })),
  ),
})
