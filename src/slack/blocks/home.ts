import type { HomeView, KnownBlock } from '@slack/types'
import { formatAge, formatBytes, formatDuration } from '../../core/duration.ts'
import type { StrategyView } from '../../core/model.ts'
import { attentionTo, needsAttention, stateOf } from '../../commands/attention.ts'
import { plural, worstFirst } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { button, context, header, section } from './elements.ts'
import { manyStrategies, runMenu, signOf, stateWords } from './home-many.ts'
import { drawFault } from './reply.ts'
import { joined, safeLine, upcoming } from './words.ts'

/** The dashboard, the worst first: everything in full while a view holds it; of many, what needs attention in full and the others
 * with a line each, or with `rich` in a table. */
export function homeView(
  strategies: StrategyView[],
  now: number,
  style: 'basic' | 'rich' = 'basic',
): HomeView {
  const sorted = strategies.toSorted((a, b) => rank(a) - rank(b))
  const isMany = sorted.length > mostInFull
  const inFull = isMany ? sorted.filter(needsAttention).slice(0, mostBad) : sorted
  const top: KnownBlock[] = [
    header('Backups'),
    section(summary(strategies)),
    ...overview(sorted, now),
    homeActions(isMany ? sorted : []),
    { type: 'divider' },
    ...inFull.flatMap((strategy) => oneStrategy(strategy, now)),
  ]
  const others = sorted.filter((one) => !inFull.includes(one))
  return home([...top, ...manyStrategies(others, { now, style, room: limits.view.blocks - top.length })])
}

export function homeFault(error: unknown): HomeView {
  return home([header('Backups'), ...drawFault(error).blocks])
}

/** Two blocks each, and a few around them. */
const mostInFull = Math.floor((limits.view.blocks - 8) / 2)
/** Of many: more than fits a screen is a list. */
const mostBad = 20

/** What goes on, comes and is missing, in one look. */
function overview(strategies: StrategyView[], now: number): KnownBlock[] {
  const running = strategies.filter(({ runningId }) => runningId !== null).map(({ name }) => safeLine(name))
  const next = strategies
    .filter(({ nextAt, runningId }) => nextAt !== null && runningId === null)
    .toSorted((a, b) => a.nextAt! - b.nextAt!)
    .map(({ name, nextAt, timezone }) => `${safeLine(name)} ${upcoming(nextAt!, now, timezone)}`)
  const owed = strategies.flatMap(({ lastGood }) => lastGood?.owed ?? [])
  const places = [...new Set(owed)].map((place) => safeLine(place, 80)).join(', ')
  const lines = [
    running.length > 0 && `*Running*  ${few(running, ', ')}`,
    next.length > 0 && `*Next*  ${few(next, ' · ')}`,
    owed.length > 0 && `*Owed*  ${owed.length} ${owed.length === 1 ? 'copy' : 'copies'} to ${places}`,
  ].filter((line) => line !== false)
  return lines.length === 0 ? [] : [section(lines.join('\n'))]
}

const mostNamed = 4

function few(names: string[], separator: string): string {
  const more = names.length - mostNamed
  const shown = names.slice(0, mostNamed).join(separator)
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** @param choice  strategies that have no button of their own */
function homeActions(choice: StrategyView[]): KnownBlock {
  const buttons = [
    button({ label: 'Restore…', action: actions.restoreFromHome, value: {} }),
    button({ label: 'Refresh', action: actions.refreshHome, value: {} }),
  ].filter((one) => one !== null)
  const elements = [...buttons, ...runMenu(choice.map(({ name }) => name).toSorted())]
  return { type: 'actions', elements }
}

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

function oneStrategy(strategy: StrategyView, now: number): KnownBlock[] {
  const words = needsAttention(strategy)
    ? safeLine(attentionTo(strategy), limits.headlineText)
    : stateWords(strategy, now)
  const line = section(`${signOf(strategy)} *${safeLine(strategy.name)}* · ${words}`)
  const run = button({ label: 'Run now', action: actions.runFromHome, value: { strategy: strategy.name } })
  return [
    run === null || strategy.runningId !== null ? line : { ...line, accessory: run },
    context(smallPrint(strategy, now)),
  ]
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
  const owed = good !== null && good.owed.length > 0 && `owed to ${safeLine(good.owed.join(', '), 200)}`
  return joined(safeLine(strategy.engine, 80), safeLine(strategy.schedule, 80), last, next, held, owed)
}

function inWords(ms: number): string {
  return ms <= 0 ? 'now' : `in ${formatDuration(Math.max(60_000, Math.round(ms / 60_000) * 60_000))}`
}

function home(blocks: KnownBlock[]): HomeView {
  return { type: 'home', blocks: blocks.slice(0, limits.view.blocks) }
}
