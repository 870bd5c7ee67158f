import type { KnownBlock, PlainTextElement, StaticSelect } from '@slack/types'
import { formatAge, formatBytes } from '../../core/duration.ts'
import type { StrategyView } from '../../core/model.ts'
import { attentionTo, needsAttention, pauseWords, stateOf } from '../../commands/attention.ts'
import { statusColumns, statusRow } from '../../commands/status.ts'
import { actions } from '../actions.ts'
import { cut, groupsOf, limits, packLines } from '../limits.ts'
import { context, section } from './elements.ts'
import { dataTable } from './table.ts'
import { joined, people, safeLine, upcoming } from './words.ts'

/** A line each, in as many sections as there is room for. */
export function manyStrategies(
  strategies: StrategyView[],
  { now, style, room }: { now: number; style: 'basic' | 'rich'; room: number },
): KnownBlock[] {
  if (strategies.length === 0) return []
  const inTable = style === 'rich' ? strategies.slice(0, limits.dataTable.rows) : []
  const left = strategies.slice(inTable.length)
  const pieces =
    left.length === 0 ? [] : packLines(left.map((one) => oneLine(one, now)).join('\n'), limits.section)
  const shown = fitting(pieces.slice(0, room - 2), limits.view.listBytes / (inTable.length > 0 ? 2 : 1))
  const told = inTable.length + shown.reduce((sum, piece) => sum + piece.split('\n').length, 0)
  return [
    ...(inTable.length > 0 ? [strategyTable(inTable, now)] : []),
    ...shown.map(section),
    ...(told < strategies.length ? [rest(strategies.slice(told))] : []),
  ]
}

/** As many as leave the view well below its size. */
function fitting(pieces: string[], bytes: number): string[] {
  let left = bytes
  return pieces.filter((piece) => (left -= Buffer.byteLength(piece)) >= 0)
}

function oneLine(strategy: StrategyView, now: number): string {
  const { lastGood, nextAt, timezone } = strategy
  const words = needsAttention(strategy)
    ? safeLine(attentionTo(strategy), limits.lineText)
    : stateWords(strategy, now)
  return joined(
    `${signOf(strategy)} *${safeLine(strategy.name)}*`,
    words,
    lastGood && formatBytes(lastGood.storedBytes),
    nextAt !== null && `next ${upcoming(nextAt, now, timezone)}`,
  )
}

function strategyTable(strategies: StrategyView[], now: number): KnownBlock {
  const rows = strategies.map(statusRow)
  const table = { title: 'All other strategies', summary: '', columns: statusColumns, rows, empty: '' }
  return dataTable(table, rows, now)
}

const emoji: Partial<Record<ReturnType<typeof stateOf>, string>> = {
  overdue: '⏰',
  failed: '❌',
  interrupted: '🟠',
  degraded: '🟠',
  cancelled: '⚪',
  never: '⚪',
  running: '🔵',
  queued: '⏳',
  paused: '⏸️',
  skipped: '⚪',
  succeeded: '✅',
}

export function signOf(strategy: StrategyView): string {
  const sign = emoji[stateOf(strategy)] ?? '⚪'
  if (sign !== '✅' || !needsAttention(strategy)) return sign
  const isOnlyOdd = !needsAttention({ ...strategy, odd: null })
  return isOnlyOdd ? '⚠️' : '❌' // a backup was made, and does not restore
}

export function stateWords(strategy: StrategyView, now: number): string {
  const { lastRun } = strategy
  if (strategy.runningId !== null) return 'backing up'
  if (strategy.paused !== null) return people(safeLine(`paused ${pauseWords(strategy)}`))
  if (lastRun === null) return 'never ran'
  if (lastRun.state !== 'succeeded') return lastRun.state
  return `backed up ${lastRun.endedAt === null ? '' : formatAge(now - lastRun.endedAt)}`.trim()
}

function rest(strategies: StrategyView[]): KnownBlock {
  const bad = strategies.filter(needsAttention).length
  return context(
    joined(
      `and ${strategies.length} more`,
      bad > 0 && `${bad} of them need attention`,
      '`/backup status` shows all',
    ),
  )
}

/** A menu of all strategies, in groups because a menu holds a hundred each. */
export function runMenu(names: string[]): StaticSelect[] {
  if (names.length === 0) return []
  const plain = (text: string): PlainTextElement => ({
    type: 'plain_text',
    text: cut(text, limits.option.text),
  })
  const groups = groupsOf(names.slice(0, limits.view.menuNames), limits.selectOptions)
  return [
    {
      type: 'static_select',
      action_id: actions.runFromHome,
      placeholder: plain('Run a backup of …'),
      option_groups: groups.map((group) => ({
        label: plain(`${group[0]!.slice(0, 30)} – ${group.at(-1)!.slice(0, 30)}`),
        options: group.map((name) => ({ text: plain(name), value: name })),
      })),
    },
  ]
}
