/** table and data_table; the latter sorts and turns pages. */
import { control } from './elements.js'
import { h } from './dom.js'
import { withEmoji } from './emoji.js'
import { richText } from './rich-text.js'
import { changed, store } from './store.js'

export function table(block) {
  const aligned = (index) => block.column_settings?.[index]?.align
  const wrapped = (index) => (block.column_settings?.[index]?.is_wrapped ? 'wrapped' : '')
  const row = (cells, name) =>
    h(
      'tr',
      {},
      cells.map((one, index) =>
        h(
          name,
          { class: wrapped(index), style: aligned(index) && `text-align:${aligned(index)}` },
          cell(one),
        ),
      ),
    )
  const [head, ...rest] = block.rows
  return h(
    'div',
    { class: 'table-wrap' },
    h(
      'table',
      { class: 'table' },
      h('thead', {}, row(head, 'th')),
      h(
        'tbody',
        {},
        rest.map((cells) => row(cells, 'td')),
      ),
    ),
  )
}

function cell(one, blockId, surface) {
  if (one.type === 'rich_text') return richText(one)
  if (one.type === 'action_cell') return control(one.element, blockId, surface)
  return withEmoji(one.text)
}

const pageSizeByDefault = 5

export function dataTable(block, surface) {
  const key = `${surface.key}/${block.block_id}`
  const state = store.tables.get(key) ?? { page: 0, column: -1, down: false }
  const set = (more) => {
    store.tables.set(key, { ...state, ...more })
    surface.redraw()
    changed()
  }
  const [head, ...rows] = block.rows
  const size = block.page_size ?? pageSizeByDefault
  const pages = Math.max(1, Math.ceil(rows.length / size))
  const page = Math.min(state.page, pages - 1)
  const shown = sorted(rows, state).slice(page * size, (page + 1) * size)
  const header = block.row_header_column_index ?? 0
  const isNumber = head.map(
    (_one, index) => rows.length > 0 && rows.every((row) => row[index]?.type === 'raw_number'),
  )
  return h(
    'div',
    { class: 'data-table' },
    h(
      'div',
      { class: 'table-wrap' },
      h(
        'table',
        { class: 'table sortable' },
        h('caption', {}, withEmoji(block.caption)),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head.map((one, index) => headCell(one, { index, state, isNumber: isNumber[index], set })),
          ),
        ),
        h(
          'tbody',
          {},
          shown.map((row) =>
            h(
              'tr',
              {},
              row.map((one, index) =>
                h(
                  index === header ? 'th' : 'td',
                  { class: isNumber[index] ? 'number' : '', scope: index === header ? 'row' : undefined },
                  cell(one, block.block_id, surface),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
    pages > 1 && pager({ page, pages, rows: rows.length, size, set, key }),
  )
}

function headCell(one, { index, state, isNumber, set }) {
  const isSorted = state.column === index
  const direction = isSorted ? (state.down ? 'descending' : 'ascending') : 'none'
  const next = () =>
    set(
      isSorted && state.down
        ? { column: -1, down: false, page: 0 }
        : { column: index, down: isSorted, page: 0 },
    )
  const mark = isSorted ? (state.down ? '↓' : '↑') : '↕'
  return h(
    'th',
    { scope: 'col', 'aria-sort': direction, class: isNumber ? 'number' : '' },
    h(
      'button',
      { type: 'button', class: 'sort', 'data-focus': `sort-${index}`, onclick: next },
      one.text,
      h('span', { class: isSorted ? 'sort-mark on' : 'sort-mark', 'aria-hidden': 'true' }, mark),
    ),
  )
}

function sorted(rows, { column, down }) {
  if (column < 0) return rows
  const compare = (a, b) =>
    a.type === 'raw_number' && b.type === 'raw_number'
      ? a.value - b.value
      : textOf(a).localeCompare(textOf(b), undefined, { numeric: true })
  const up = rows.toSorted((a, b) => compare(a[column], b[column]))
  return down ? up.reverse() : up
}

function textOf(one) {
  return one.text ?? h('div', {}, cell(one, '', { value: () => undefined })).textContent
}

function pager({ page, pages, rows, size, set, key }) {
  const to = Math.min(rows, (page + 1) * size)
  const turn = (label, mark, by, disabled) =>
    h(
      'button',
      {
        type: 'button',
        class: 'page-button',
        'aria-label': label,
        disabled,
        'data-focus': `${key}${label}`,
        onclick: () => set({ page: page + by }),
      },
      mark,
    )
  return h(
    'div',
    { class: 'pager' },
    h('span', { 'aria-live': 'polite' }, `${page * size + 1}–${to} of ${rows}`),
    turn('Previous page', '‹', -1, page === 0),
    turn('Next page', '›', 1, page === pages - 1),
  )
}
