import type { HomeView, KnownBlock } from '@slack/types'
import { formatAge, formatBytes, formatDuration } from '../../core/duration.ts'
import type { StrategyView } from '../../core/model.ts'
import { attentionTo, needsAttention, pauseWords, stateOf } from '../../commands/attention.ts'
import { plural, worstFirst } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { actionRows, button, context, header, section } from './elements.ts'
import { drawFault } from './reply.ts'
import { joined, people, safeLine, upcoming } from './words.ts'

/** The dashboard: what needs attention first, then everything else, as much as a view holds. */
export function homeView(strategies: StrategyView[], now: number): HomeView {
  const sorted = strategies.toSorted((a, b) => rank(a) - rank(b))
  const shown = sorted.slice(0, mostStrategies)
  return home([
    header('Backups'),
    section(summary(strategies)),
    ...actionRows([
      button({ label: 'Restore…', action: actions.restoreFromHome, value: {} }),
      button({ label: 'Refresh', action: actions.refreshHome, value: {} }),
    ]),
    { type: 'divider' },
    ...shown.flatMap((strategy) => oneStrategy(strategy, now)),
    ...(sorted.length > shown.length ? [rest(sorted.slice(mostStrategies))] : []),
  ])
}

export function homeFault(error: unknown): HomeView {
  return home([header('Backups'), ...drawFault(error).blocks])
}

/** Two blocks each, and a few around them. */
const mostStrategies = Math.floor((limits.view.blocks - 6) / 2)

function rank(strategy: StrategyView): number {
  return worstFirst.indexOf(stateOf(strategy))
}

function summary(strategies: StrategyView[]): string {
  const bad = strategies.filter(needsAttention).length
  const backups = strategies.reduce((sum, one) => sum + one.backups, 0)
  const bytes = strategies.reduce((sum, one) => sum + one.storedBytes, 0)
  const all = `${strategies.length} ${strategies.length === 1 ? 'strategy' : 'strategies'}`
  const state =
    bad === 0
      ? `✅ ${all}, nothing needs attention`
      : `❌ ${bad} of ${all} need${bad === 1 ? 's' : ''} attention`
  return joined(state, `${plural(backups, 'backup')}, ${formatBytes(bytes)}`)
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

function oneStrategy(strategy: StrategyView, now: number): KnownBlock[] {
  const state = stateOf(strategy)
  const words = needsAttention(strategy)
    ? safeLine(attentionTo(strategy), limits.headlineText)
    : stateWords(strategy, now)
  const line = section(`${emoji[state] ?? '⚪'} *${safeLine(strategy.name)}* · ${words}`)
  const run = button({ label: 'Run now', action: actions.runFromHome, value: { strategy: strategy.name } })
  return [
    run === null || strategy.runningId !== null ? line : { ...line, accessory: run },
    context(smallPrint(strategy, now)),
  ]
}

function stateWords(strategy: StrategyView, now: number): string {
  const { lastRun } = strategy
  if (strategy.runningId !== null) return 'backing up'
  if (strategy.paused !== null) return people(safeLine(`paused ${pauseWords(strategy)}`))
  if (lastRun === null) return 'never ran'
  if (lastRun.state !== 'succeeded') return lastRun.state
  return `backed up ${lastRun.endedAt === null ? '' : formatAge(now - lastRun.endedAt)}`.trim()
}

function smallPrint(strategy: StrategyView, now: number): string {
  const good = strategy.lastGood
  const last =
    good === null
      ? 'no good backup yet'
      : joined(`last good ${formatAge(now - good.createdAt)}`, formatBytes(good.storedBytes))
  const next =
    strategy.nextAt === null
      ? null
      : `next ${upcoming(strategy.nextAt, now, strategy.timezone)} (${inWords(strategy.nextAt - now)})`
  const held = `${plural(strategy.backups, 'backup')}, ${formatBytes(strategy.storedBytes)}`
  return joined(safeLine(strategy.engine, 80), safeLine(strategy.schedule, 80), last, next, held)
}

function inWords(ms: number): string {
  return ms <= 0 ? 'now' : `in ${formatDuration(Math.max(60_000, Math.round(ms / 60_000) * 60_000))}`
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

function home(blocks: KnownBlock[]): HomeView {
  return { type: 'home', blocks: blocks.slice(0, limits.view.blocks) }
}
