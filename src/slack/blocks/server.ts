import type { KnownBlock } from '@slack/types'
import { formatBytes, formatDuration } from '../../core/duration.ts'
import { shortId } from '../../core/keys.ts'
import type { BatchLine, BatchView } from '../../core/messages.ts'
import type { RunState } from '../../core/model.ts'
import { plural } from '../../commands/phrases.ts'
import { text, type Table } from '../../commands/reply.ts'
import { askPrefix } from '../actions.ts'
import { cut, limits, pad } from '../limits.ts'
import { actionRows, button, context, fenced, finish, section, type Drawn } from './elements.ts'
import { dataTable } from './table.ts'
import { by, clean, escape, joined, safeLine, timeOfDay, upcoming } from './words.ts'

type ServerBatch = BatchView & { server: NonNullable<BatchView['server']> }

/** The databases of one server as one message, edited in place: a line for each, what went wrong first. */
export function serverMessage(batch: ServerBatch, style: 'basic' | 'rich'): Drawn {
  const { strategy } = batch.server
  const headline = `${emoji(batch)} *${safeLine(strategy)}* · ${fact(batch)}`
  const small = smallPrint(batch)
  const lines = batch.lines.toSorted((a, b) => rank[a.state] - rank[b.state])
  const room = limits.message.blocksText - headline.length - small.length - reserve
  const body = isListing(batch) ? [] : style === 'rich' ? inTable(lines) : inRows(lines, room)
  const status = button({
    label: 'Status',
    action: `${askPrefix}0`,
    value: { command: 'status', args: { strategy } },
  })
  const said = isListing(batch) ? [] : lines.map((line) => joined(nameOf(line), sizeOf(line), stateOf(line)))
  return finish(
    [headline, small, ...said.map((line) => safeLine(line, limits.headlineText))],
    [section(headline), ...body, context(small), ...actionRows([status])],
  )
}

export function isServer(batch: BatchView): batch is ServerBatch {
  return batch.server !== undefined
}

const reserve = 400 // the line that says how many are not shown, and fences

/** What went wrong, what goes on, what is well. */
const rank: Record<RunState, number> = {
  failed: 0,
  interrupted: 1,
  degraded: 2,
  cancelled: 3,
  skipped: 4,
  running: 5,
  succeeded: 6,
  queued: 7,
}

const words: Record<RunState, string> = {
  failed: 'failed',
  interrupted: 'interrupted',
  degraded: 'not in every place',
  cancelled: 'cancelled',
  skipped: 'skipped',
  running: 'running',
  succeeded: '',
  queued: 'waiting',
}

/** Nobody knows yet which databases there are, or nobody ever came to know. */
function isListing({ lines }: BatchView): boolean {
  return lines.length === 1 && lines[0]!.database === undefined
}

const isBad = ({ state }: BatchLine): boolean => state === 'failed' || state === 'interrupted'
const isOver = ({ lines }: BatchView): boolean => lines.every(({ endedAt }) => endedAt !== null)

function emoji(batch: BatchView): string {
  if (!isOver(batch)) return '🔵'
  if (batch.lines.some(isBad)) return '❌'
  const isWell = ({ state, why }: BatchLine): boolean =>
    state === 'skipped' || (state === 'succeeded' && why === null)
  return batch.lines.every(isWell) ? '✅' : '🟠'
}

function fact(batch: ServerBatch): string {
  const { lines, startedAt } = batch
  const [first] = lines
  if (isListing(batch)) {
    if (first!.endedAt === null) return 'asking the server for its databases'
    return `backup ${first!.state}: ${safeLine(first!.why ?? 'the databases could not be listed', limits.headlineText)}`
  }
  const count = (state: RunState): number => lines.filter((line) => line.state === state).length
  const globals = lines.some((line) => line.globals)
  const all = plural(lines.length - Number(globals), 'database') + (globals ? ' and the roles' : '')
  if (!isOver(batch)) {
    const bad = lines.filter(isBad).length
    return joined(
      `backing up ${all}`,
      `${count('succeeded') + count('degraded')} done`,
      count('running') > 0 && `${count('running')} running`,
      bad > 0 && `*${bad} failed*`,
    )
  }
  const took = formatDuration(Math.max(...lines.map(({ endedAt }) => endedAt ?? 0)) - startedAt)
  const others = (['failed', 'interrupted', 'degraded', 'cancelled', 'skipped'] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `*${count(state)} ${words[state]}*`)
  const done = count('succeeded')
  const good =
    done === lines.length ? `${all} backed up in ${took}` : `${done} of ${lines.length} backed up in ${took}`
  const bytes = lines.reduce((sum, { storedBytes }) => sum + (storedBytes ?? 0), 0)
  return joined(good, ...others, bytes > 0 && formatBytes(bytes))
}

function smallPrint({ startedAt, timezone, server, lines }: ServerBatch): string {
  const why = { schedule: 'on schedule', 'catch-up': 'catching up', retry: 'again', person: '' }[
    server.trigger
  ]
  return joined(
    joined(
      `started ${timeOfDay(startedAt, timezone)}`,
      server.trigger === 'person' ? `by ${by(server.actor)}` : why,
    ),
    server.nextAt !== null && `next ${upcoming(server.nextAt, startedAt, timezone)}`,
    ...server.notes.map((note) => safeLine(note, limits.headlineText)),
    lines.some(isBad) && 'failures are in the thread',
  )
}

const longestName = 40
const fence = 40 // around a piece of rows

function nameOf({ database }: BatchLine): string {
  return cut(clean(database ?? '').replaceAll(/\s/g, ' '), longestName)
}

function sizeOf({ storedBytes }: BatchLine): string {
  return storedBytes === null ? '' : formatBytes(storedBytes)
}

function tookOf({ tookMs }: BatchLine): string {
  return tookMs === null ? '' : formatDuration(tookMs)
}

function stateOf({ state, why }: BatchLine): string {
  return [words[state], why === null ? '' : cut(clean(why).replaceAll(/\s/g, ' '), limits.lineText)]
    .filter((part) => part !== '')
    .join(': ')
}

/** One line each, in columns; what has no room is counted. */
function inRows(lines: readonly BatchLine[], room: number): KnownBlock[] {
  const widths = [nameOf, sizeOf, tookOf].map((of) => Math.max(...lines.map((line) => of(line).length)))
  const pieces: string[] = []
  let left = room
  let shown = 0
  for (const line of lines) {
    const row = [
      pad(nameOf(line), widths[0]!, 'right'),
      pad(sizeOf(line), widths[1]!, 'left'),
      pad(tookOf(line), widths[2]!, 'left'),
      stateOf(line),
    ]
      .join('  ')
      .trimEnd()
    left -= escape(row).length + 1
    if (left < 0) break
    shown += 1
    const longer = pieces.length === 0 ? row : `${pieces.at(-1)!}\n${row}`
    if (pieces.length > 0 && escape(longer).length <= limits.section - fence)
      pieces[pieces.length - 1] = longer
    else {
      pieces.push(row)
      left -= fence
    }
  }
  const missing = lines.length - shown
  return [
    ...pieces.map(fenced),
    ...(missing > 0 ? [section(`and ${missing} more; \`/backup status\` and the name lists all`)] : []),
  ]
}

function inTable(lines: readonly BatchLine[]): KnownBlock[] {
  const table: Table = {
    title: 'Every database, what went wrong first',
    summary: '',
    columns: [
      { key: 'database', label: 'Database' },
      { key: 'state', label: 'State' },
      { key: 'size', label: 'Size' },
      { key: 'took', label: 'Took' },
      { key: 'id', label: 'Id' },
    ],
    empty: '',
    rows: lines.slice(0, limits.dataTable.rows).map((line) => ({
      id: line.run,
      data: line,
      cells: {
        database: { kind: 'code', text: nameOf(line) },
        state: text(cut(stateOf(line) || 'backed up', 50)),
        size: line.storedBytes === null ? text('–') : { kind: 'bytes', bytes: line.storedBytes },
        took: line.tookMs === null ? text('–') : { kind: 'duration', ms: line.tookMs },
        id: { kind: 'code', text: shortId(line.backup ?? line.run) },
      },
    })),
  }
  const shown = dataTable(table, table.rows, 0)
  const missing = lines.length - (shown.rows.length - 1)
  return [
    shown,
    ...(missing > 0 ? [section(`and ${missing} more; \`/backup status\` and the name lists all`)] : []),
  ]
}
