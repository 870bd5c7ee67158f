import type { HomeView, KnownBlock } from '@slack/types'
import { formatAge, formatBytes, formatDuration } from '../../core/duration.ts'
import type { Dashboard } from '../../core/dashboard.ts'
import type { StrategyView } from '../../core/model.ts'
import { attentionTo, needsAttention, urgencyOf } from '../../commands/attention.ts'
import { badDrill, isUnproven, isUntried, oldestProofFirst, proofWords } from '../../commands/drill-words.ts'
import { plural } from '../../commands/phrases.ts'
import { brokenCopies } from '../../commands/verify-words.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { button, context, header, section } from './elements.ts'
import { manyStrategies, runMenu, signOf, stateWords } from './home-many.ts'
import { incidents, requests, running } from './home-now.ts'
import { drawFault } from './reply.ts'
import { joined, safeLine, upcoming } from './words.ts'

export interface HomeFacts {
  strategies: StrategyView[]
  /** Of what this person may see. */
  board: Dashboard
  rights: Rights
  /** Slack id of the person. */
  user: string
  now: number
}

/** Which buttons this person gets: strategies of which each may be asked for. */
export interface Rights {
  run: ReadonlySet<string>
  cancel: ReadonlySet<string>
  restore: ReadonlySet<string>
  drill: ReadonlySet<string>
  /** Say yes or no to what others ask for. */
  decide: ReadonlySet<string>
}

/** The dashboard, the worst first: everything in full while a view holds it; of many, what needs attention in full and the others
 * with a line each, or with `rich` in a table. */
export function homeView(facts: HomeFacts, style: 'basic' | 'rich' = 'basic'): HomeView {
  const { strategies, board, now } = facts
  const sorted = strategies.toSorted((a, b) => urgencyOf(a) - urgencyOf(b))
  const head: KnownBlock[] = [
    header('Backups'),
    section(summary(facts)),
    ...overview(sorted, now),
    ...scorecard(facts),
    ...incidents(board.incidents, facts),
    ...requests(board.requests, facts),
    ...running(board.running, facts),
  ]
  const isMany = head.length + 2 + 2 * sorted.length > limits.view.blocks
  const inFull = isMany ? sorted.filter(needsAttention).slice(0, mostBad) : sorted
  const top = [
    ...head,
    homeActions(facts, isMany ? sorted : []),
    { type: 'divider' } as const,
    ...inFull.flatMap((strategy) => oneStrategy(strategy, facts)),
  ]
  const others = sorted.filter((one) => !inFull.includes(one))
  return home([...top, ...manyStrategies(others, { now, style, room: limits.view.blocks - top.length })])
}

export function homeFault(error: unknown): HomeView {
  return home([header('Backups'), ...drawFault(error).blocks])
}

/** Of many: more than fits a screen is a list. */
const mostBad = 20

/** What comes and is missing, in one look. */
function overview(strategies: StrategyView[], now: number): KnownBlock[] {
  const next = strategies
    .filter(({ nextAt, runningId }) => nextAt !== null && runningId === null)
    .toSorted((a, b) => a.nextAt! - b.nextAt!)
    .map(({ name, nextAt, timezone }) => `${safeLine(name)} ${upcoming(nextAt!, now, timezone)}`)
  const owed = strategies.flatMap(({ lastGood }) => lastGood?.owed ?? [])
  const places = [...new Set(owed)].map((place) => safeLine(place, 80)).join(', ')
  const broken = brokenCopies(strategies)
  const lines = [
    next.length > 0 && `*Next*  ${few(next, ' · ')}`,
    owed.length > 0 && `*Owed*  ${owed.length} ${owed.length === 1 ? 'copy' : 'copies'} to ${places}`,
    broken > 0 &&
      `*Broken*  ${broken} stored ${broken === 1 ? 'copy' : 'copies'}: \`/backup list --status corrupt\` shows them`,
  ].filter((line) => line !== false)
  return lines.length === 0 ? [] : [section(lines.join('\n'))]
}

/** What is proven and for how long, oldest first: a backup that nobody ever restored is a hope. The button is for what is proven least. */
function scorecard({ strategies, rights, now }: HomeFacts): KnownBlock[] {
  const sorted = strategies.toSorted(oldestProofFirst)
  const lines = [...unproven(sorted), ...proven(sorted, now), ...drillsToCome(strategies, now)]
  if (lines.length === 0) return []
  const line = section(lines.join('\n'))
  const least = sorted.find(({ name, lastGood }) => lastGood !== null && rights.drill.has(name))
  const isDue = least && least.drills?.openId === null
  const drill = isDue
    ? button({ label: `Drill ${least.name}`, action: actions.drillFromHome, value: { strategy: least.name } })
    : null
  return [drill === null ? line : { ...line, accessory: drill }]
}

function unproven(strategies: StrategyView[]): string[] {
  const bad = strategies.filter((one) => badDrill(one) !== null).map(({ name }) => safeLine(name))
  const failed = bad.length === 0 ? [] : [`*Drill failed*  ${few(bad, ', ')}`]
  const names = strategies.filter(isUntried).map(({ name }) => safeLine(name))
  if (names.length === 0) return failed
  const all = names.length === strategies.length && names.length > 1
  return [...failed, `*Unproven*  never restored: ${all ? `all ${names.length}` : few(names, ', ')}`]
}

function proven(strategies: StrategyView[], now: number): string[] {
  const ages = strategies.flatMap(({ name, proven: proof }) =>
    proof ? [`${safeLine(name)} ${formatAge(now - proof.at)}`] : [],
  )
  return ages.length === 0 ? [] : [`*Restored*  ${few(ages, ' · ')}`]
}

function drillsToCome(strategies: StrategyView[], now: number): string[] {
  const next = strategies
    .flatMap(({ name, drills, timezone }) => (drills?.nextAt ? [{ name, at: drills.nextAt, timezone }] : []))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name, at, timezone }) => `${safeLine(name)} ${upcoming(at, now, timezone)}`)
  return next.length === 0 ? [] : [`*Next drill*  ${few(next, ' · ')}`]
}

const mostNamed = 4

function few(names: string[], separator: string): string {
  const more = names.length - mostNamed
  const shown = names.slice(0, mostNamed).join(separator)
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** @param choice  strategies that have no button of their own */
function homeActions({ rights }: HomeFacts, choice: StrategyView[]): KnownBlock {
  const buttons = [
    rights.restore.size > 0
      ? button({ label: 'Restore…', action: actions.restoreFromHome, value: {} })
      : null,
    button({ label: 'Refresh', action: actions.refreshHome, value: {} }),
  ].filter((one) => one !== null)
  const names = choice.map(({ name }) => name).filter((name) => rights.run.has(name))
  return { type: 'actions', elements: [...buttons, ...runMenu(names.toSorted())] }
}

function summary({ strategies, board }: HomeFacts): string {
  const bad = strategies.filter(needsAttention).length
  const backups = strategies.reduce((sum, one) => sum + one.backups, 0)
  const bytes = strategies.reduce((sum, one) => sum + one.storedBytes, 0)
  const all = `${strategies.length} ${strategies.length === 1 ? 'strategy' : 'strategies'}`
  const state =
    bad === 0
      ? `✅ ${all}, nothing needs attention`
      : `❌ ${bad} of ${all} need${bad === 1 ? 's' : ''} attention`
  const places = board.places.map(
    ({ storage, storedBytes }) => `${safeLine(storage, 80)} ${formatBytes(storedBytes)}`,
  )
  const held = places.length === 0 ? formatBytes(bytes) : few(places, ', ')
  return joined(state, `${plural(backups, 'backup')}, ${held}`)
}

function oneStrategy(strategy: StrategyView, { rights, now }: HomeFacts): KnownBlock[] {
  const words = needsAttention(strategy)
    ? safeLine(attentionTo(strategy), limits.headlineText)
    : stateWords(strategy, now)
  const line = section(`${signOf(strategy)} *${safeLine(strategy.name)}* · ${words}`)
  const isOffered = strategy.runningId === null && rights.run.has(strategy.name)
  const run = button({ label: 'Run now', action: actions.runFromHome, value: { strategy: strategy.name } })
  return [run === null || !isOffered ? line : { ...line, accessory: run }, context(smallPrint(strategy, now))]
}

function smallPrint(strategy: StrategyView, now: number): string {
  const good = strategy.lastGood
  const last =
    good === null
      ? strategy.backups > 0
        ? 'no good backup left'
        : 'no good backup yet'
      : joined(`last good ${formatAge(now - good.createdAt)}`, formatBytes(good.storedBytes))
  const next =
    strategy.nextAt === null
      ? null
      : `next ${upcoming(strategy.nextAt, now, strategy.timezone)} (${inWords(strategy.nextAt - now)})`
  const held = `${plural(strategy.backups, 'backup')}, ${formatBytes(strategy.storedBytes)}`
  const owed = good !== null && good.owed.length > 0 && `owed to ${safeLine(good.owed.join(', '), 200)}`
  const engine = joined(safeLine(strategy.engine, 80), safeLine(strategy.schedule, 80))
  return joined(engine, last, proof(strategy, now), next, held, owed)
}

function proof(strategy: StrategyView, now: number): string | null {
  if (strategy.proven) return safeLine(proofWords(strategy.proven, now))
  if (!isUnproven(strategy)) return null
  return isUntried(strategy) ? '*unproven*: never restored' : '*unproven*: its drill failed'
}

function inWords(ms: number): string {
  return ms <= 0 ? 'now' : `in ${formatDuration(Math.max(60_000, Math.round(ms / 60_000) * 60_000))}`
}

function home(blocks: KnownBlock[]): HomeView {
  return { type: 'home', blocks: blocks.slice(0, limits.view.blocks) }
}
