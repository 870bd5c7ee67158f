import type { KnownBlock } from '@slack/types'
import { formatBytes, formatDuration } from '../../core/duration.ts'
import { shortId } from '../../core/keys.ts'
import type { BatchLine, BatchView } from '../../core/messages.ts'
import type { RunState } from '../../core/model.ts'
import { plural, worstFirst } from '../../commands/phrases.ts'
import { text, type Table } from '../../commands/reply.ts'
import { askPrefix } from '../actions.ts'
import { cut, cutMarkup, groupsOf, limits, packLines, pad } from '../limits.ts'
import { actionRows, button, context, fenced, finish, section, textLength } from './elements.ts'
import type { Drawn } from './elements.ts'
import { dataTable } from './table.ts'
import { by, joined, safeLine, timeOfDay } from './words.ts'

/** Many runs as one message: how many of each, then every one of them by name, the worst first. */
export function batchMessage(batch: BatchView, style: 'basic' | 'rich'): Drawn {
  const headline = `${emoji(batch)} *${title(batch)}* · ${counts(batch)}`
  const small = smallPrint(batch)
  const status = button({
    label: 'Status',
    action: `${askPrefix}0`,
    value: { command: 'status', args: {} },
  })
  const room = limits.message.blocksText - headline.length - small.length
  const paragraphs = byState(batch, room)
  const body =
    style === 'rich'
      ? [dataTable(tableOf(batch), tableOf(batch).rows, 0)]
      : (inColumns(paragraphs, room) ?? paragraphs.flatMap(sections))
  const blocks: KnownBlock[] = [section(headline), ...body, context(small), ...actionRows([status])]
  return finish([headline, small, ...paragraphs.map(({ text }) => text)], blocks)
}

/** odd: a good backup that is not as usual, and its line says how. */
type Shown = RunState | 'odd'

const order: Shown[] = worstFirst
  .filter((state): state is RunState => !['overdue', 'never', 'paused'].includes(state))
  .flatMap((state) => (state === 'degraded' ? [state, 'odd'] : [state]))

function shownAs({ state, why }: BatchLine): Shown {
  return state === 'succeeded' && why !== null ? 'odd' : state
}

const names: Record<Shown, string> = {
  odd: 'not as usual',
  failed: 'failed',
  interrupted: 'interrupted',
  degraded: 'not in every place',
  cancelled: 'cancelled',
  skipped: 'skipped',
  running: 'running',
  queued: 'waiting',
  succeeded: 'backed up',
}

const isBad = (state: Shown): boolean => state === 'failed' || state === 'interrupted'
const isOver = ({ lines }: BatchView): boolean => lines.every(({ endedAt }) => endedAt !== null)

function emoji(batch: BatchView): string {
  if (!isOver(batch)) return '🔵'
  if (batch.lines.some(({ state }) => isBad(state))) return '❌'
  return batch.lines.every((line) => shownAs(line) === 'succeeded') ? '✅' : '🟠'
}

const nightEndsAt = 6
const nightBeginsAt = 21

function title({ startedAt, timezone, catchUp, asked, lines }: BatchView): string {
  const hour = Number(
    new Intl.DateTimeFormat('en-GB', { hour: '2-digit', hourCycle: 'h23', timeZone: timezone }).format(
      startedAt,
    ),
  )
  const isNight = hour >= nightBeginsAt || hour < nightEndsAt
  const name = asked ? 'Backing up' : catchUp ? 'Catching up' : isNight ? 'Nightly' : 'Scheduled'
  return `${name}: ${plural(lines.length, 'strategy')}`
}

/** What went well first, as people ask; nothing that is none. */
function counts({ lines }: BatchView): string {
  const counted = (state: Shown): number => lines.filter((line) => shownAs(line) === state).length
  const shown: Shown[] = ['succeeded', ...order.filter((state) => state !== 'succeeded')]
  return shown
    .filter((state) => counted(state) > 0)
    .map((state) => `${isBad(state) ? '*' : ''}${counted(state)} ${names[state]}${isBad(state) ? '*' : ''}`)
    .join(', ')
}

function smallPrint(batch: BatchView): string {
  const { startedAt, timezone, lines } = batch
  const bytes = lines.reduce((sum, { storedBytes }) => sum + (storedBytes ?? 0), 0)
  const endedAt = Math.max(...lines.map((line) => line.endedAt ?? 0))
  const took = isOver(batch) ? `all over after ${formatDuration(endedAt - startedAt)}` : null
  const how = lines.some(({ state }) => isBad(state)) ? 'failures are in the thread' : null
  return joined(
    `started ${timeOfDay(startedAt, timezone)}`,
    batch.asked ? `asked by ${by(batch.asked)}` : null,
    took,
    bytes > 0 && `${formatBytes(bytes)} stored`,
    how,
    '`/backup show` and a name shows more',
  )
}

interface Group {
  title: string
  /** Every run of one state, each by name. */
  items: string[]
  lines: BatchLine[]
  /** Failures have a line each. */
  separator: string
  text: string
}

/** Names always fit (the engine begins another batch in time); reasons take the room that is left. */
function byState(batch: BatchView, room: number): Group[] {
  const bare = batch.lines.reduce((sum, line) => sum + item(line, 0).length + 3, 0) + order.length * 40
  const reasons = batch.lines.filter(({ why }) => why !== null).length
  const each = Math.max(0, Math.min(longestReason, Math.floor((room - bare) / Math.max(1, reasons))))
  return order.flatMap((state) => {
    const lines = batch.lines.filter((line) => shownAs(line) === state)
    if (lines.length === 0) return []
    const title = `*${capital(names[state])} (${lines.length})*`
    const items = lines.map((line) => item(line, each))
    const separator = lines.some(({ why }) => why !== null) ? '\n' : ' · '
    return [
      {
        title,
        items,
        lines,
        separator,
        text: `${title}${separator === '\n' ? '\n' : '  '}${items.join(separator)}`,
      },
    ]
  })
}

const longestReason = 120
const shortestReason = 12 // less says nothing

/** A size stays on the line of its name. */
function item(line: BatchLine, reason: number): string {
  const size =
    line.storedBytes === null ? '' : `\u00a0${formatBytes(line.storedBytes).replace(' ', '\u00a0')}`
  const why = line.why === null || reason < shortestReason ? null : cutMarkup(safeLine(line.why), reason - 3)
  return joined(`${line.strategy}${size}`, why)
}

/** The same as a grid, which is easier to look through. @returns null when it does not fit */
function inColumns(groups: Group[], room: number): KnownBlock[] | null {
  const blocks = groups.flatMap((group) => {
    if (group.separator === '\n' || group.lines.length < fewestInColumns) return sections(group)
    return [section(group.title), ...packLines(grid(group.lines), limits.section - fence).map(fenced)]
  })
  const used = blocks.reduce((sum, block) => sum + textLength(block), 0)
  return used <= room && blocks.length < mostBlocks ? blocks : null
}

const fewestInColumns = 5
const fence = 10
const mostBlocks = 40
const gridWidth = 84 // what a message shows of a code block without a bar to scroll it

function grid(lines: BatchLine[]): string {
  const width = Math.max(...lines.map(({ strategy }) => strategy.length))
  const sizes = lines.map(({ storedBytes }) => (storedBytes === null ? '' : formatBytes(storedBytes)))
  const sizeWidth = Math.max(...sizes.map(({ length }) => length))
  const cells = lines.map(
    ({ strategy }, index) => pad(strategy, width, 'right') + pad(` ${sizes[index]!}`, sizeWidth + 1, 'left'),
  )
  const perRow = Math.max(1, Math.floor((gridWidth + gap.length) / (cells[0]!.length + gap.length)))
  return groupsOf(cells, perRow)
    .map((row) => row.join(gap).trimEnd())
    .join('\n')
}

const gap = '   '

/** Whole items in sections of at most what Slack takes. */
function sections(group: Group): KnownBlock[] {
  const pieces: string[] = []
  let piece = group.title + (group.separator === '\n' ? '\n' : '  ')
  for (const [index, one] of group.items.entries()) {
    const next = index === 0 ? one : `${group.separator}${one}`
    if (piece.length + next.length > limits.section) {
      pieces.push(piece)
      piece = one
    } else piece += next
  }
  return [...pieces, piece].map(section)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const columns = [
  { key: 'strategy', label: 'Strategy' },
  { key: 'state', label: 'State' },
  { key: 'size', label: 'Size' },
  { key: 'took', label: 'Took' },
  { key: 'id', label: 'Id' },
]

const none = text('–')
/** So that two hundred reasons fit one table. */
const longestCell = 50

function tableOf(batch: BatchView): Table {
  const sorted = batch.lines.toSorted((a, b) => order.indexOf(shownAs(a)) - order.indexOf(shownAs(b)))
  return {
    title: 'Every run, the worst first',
    summary: '',
    columns,
    empty: '',
    rows: sorted.map((line) => ({
      id: line.run,
      data: line,
      cells: {
        strategy: { kind: 'code', text: line.strategy },
        state: { kind: 'text', text: cut(joined(names[shownAs(line)], line.why), longestCell) },
        size: line.storedBytes === null ? none : { kind: 'bytes', bytes: line.storedBytes },
        took: line.tookMs === null ? none : { kind: 'duration', ms: line.tookMs },
        id: {
          kind: 'code',
          text:
            line.endedAt === null
              ? ''
              : shortId(line.state === 'succeeded' ? (line.backup ?? line.run) : line.run),
        },
      },
    })),
  }
}
