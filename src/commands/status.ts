import { Type } from 'typebox'
import { formatAge, formatBytes, formatCount } from '../core/duration.ts'
import type { IncidentView } from '../core/incidents.ts'
import type { DatabaseView, Health, StrategyView } from '../core/model.ts'
import type { NotifierView } from '../core/notifications.ts'
import { aboutStrategy } from './about.ts'
import { defineCommand, type Engine } from './command.ts'
import { selectorField } from './fields.ts'
import { incidentWords } from './incidents.ts'
import { attentionTo, needsAttention, pauseWords, stateOf, urgencyOf } from './attention.ts'
import {
  badDrill,
  isUnproven,
  isUntried,
  oldestProofFirst,
  proofWords,
  restoreWords,
  verdictWords,
} from './drill-words.ts'
import { dateText, plural } from './phrases.ts'
import { copyFacts } from './clone-words.ts'
import { replacedFacts } from './replaced.ts'
import { levelCell, text, type Fact, type Reply, type TableRow } from './reply.ts'
import { isOne, knownStrategy, narrowed } from './select.ts'
import { brokenCopies, rereadWords } from './verify-words.ts'

export const status = defineCommand({
  name: 'status',
  aliases: ['health'],
  summary: 'Last, running and next run of each strategy; what is overdue',
  usage: '[strategy | tag:x]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({ strategy: Type.Optional(selectorField('one strategy in detail, or those of tag:x')) }),
  positional: ['strategy'],
  about: aboutStrategy,
  run: async ({ strategy }, { engine, clock }) =>
    strategy === undefined || !isOne(engine, strategy)
      ? overview(await narrowed(engine, strategy))
      : detail(engine, knownStrategy(engine, strategy), clock.now()),
})

async function overview(engine: Engine): Promise<Reply> {
  const strategies = (await engine.strategies()).toSorted(
    (a, b) => urgencyOf(a) - urgencyOf(b) || oldestProofFirst(a, b),
  )
  const health = await engine.health()
  const board = await engine.dashboard()
  const totals = totalsOf(strategies)
  const incidents = await engine.incidents()
  const notifiers = await engine.notifiers()
  return {
    type: 'table',
    table: {
      title: 'Status',
      summary: [
        `${health.status} · ${summaryOf(strategies, health)}`,
        ...openWords(incidents),
        ...offWords(notifiers),
      ].join(' · '),
      columns: statusColumns,
      rows: strategies.map(statusRow),
      empty: 'no strategies are configured',
      data: { health, totals, strategies, ...board, notifiers },
    },
  }
}

/** Who is told nothing any more. */
function offWords(notifiers: NotifierView[]): string[] {
  return notifiers.flatMap(({ name, off }) => (off === null ? [] : [`${name} is switched off: ${off.why}`]))
}

const namedIncidents = 3

/** What people are called for. */
function openWords(incidents: IncidentView[]): string[] {
  if (incidents.length === 0) return []
  const named = incidents.slice(0, namedIncidents).map(incidentWords).join(', ')
  const more = incidents.length > namedIncidents ? ` and ${incidents.length - namedIncidents} more` : ''
  return [`${plural(incidents.length, 'incident')}: ${named}${more}`]
}

/** Also of the dashboard in Slack. */
export const statusColumns = [
  { key: 'strategy', label: 'Strategy' },
  { key: 'state', label: 'State' },
  { key: 'good', label: 'Last good' },
  { key: 'proven', label: 'Restored' },
  { key: 'next', label: 'Next' },
]

function totalsOf(strategies: StrategyView[]): { backups: number; storedBytes: number } {
  return {
    backups: strategies.reduce((sum, { backups }) => sum + backups, 0),
    storedBytes: strategies.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  }
}

function summaryOf(strategies: StrategyView[], health: Health): string {
  const { backups, storedBytes } = totalsOf(strategies)
  const paused = strategies.filter((each) => each.paused !== null).length
  const unproven = strategies.filter(isUnproven).length
  const broken = brokenCopies(strategies)
  const attention = [
    attentionOf(strategies, health).join(', ') || 'nothing needs attention',
    ...(unproven > 0 ? [`${unproven} unproven`] : []),
    ...(broken > 0 ? [`${broken} broken ${broken === 1 ? 'copy' : 'copies'}`] : []),
    ...(paused > 0 ? [`${paused} paused`] : []),
  ].join(', ')
  return `${plural(strategies.length, 'strategy')}, ${attention} · ${plural(backups, 'backup')}, ${formatBytes(storedBytes)}`
}

/** Never "degraded, nothing needs attention". */
function attentionOf(strategies: StrategyView[], { status, slack_connectivity: slack }: Health): string[] {
  const bad = strategies.filter((each) => needsAttention(each) || each.failuresInARow > 1).length
  const found = []
  if (bad > 0) found.push(`${bad} need${bad === 1 ? 's' : ''} attention`)
  if (slack === 'error') found.push('Slack cannot be used')
  if (found.length === 0 && status !== 'healthy') found.push('a place for backups cannot be reached')
  const asks = strategies.reduce((sum, each) => sum + (each.asks?.length ?? 0), 0)
  if (asks > 0) found.push(`${plural(asks, 'question')} about deleting old backups`)
  return found
}

export function statusRow(strategy: StrategyView): TableRow {
  const good = strategy.lastGood
  return {
    id: strategy.name,
    cells: {
      strategy: { kind: 'code', text: strategy.name },
      state: { kind: 'state', state: stateOf(strategy) },
      good: { kind: 'instant', at: good?.createdAt ?? null, as: 'age' },
      proven: provenCell(strategy),
      next: { kind: 'instant', at: strategy.nextAt, as: 'in' },
    },
    data: strategy,
  }
}

/** When a whole backup was last restored and compared: a fact with its age. */
function provenCell(strategy: StrategyView): Fact['cell'] {
  if (badDrill(strategy) !== null) return text('drill failed')
  if (strategy.proven) return { kind: 'instant', at: strategy.proven.at, as: 'age' }
  return text(isUnproven(strategy) ? 'unproven' : '–')
}

async function detail(engine: Engine, name: string, now: number): Promise<Reply> {
  const strategy = (await engine.strategies()).find((each) => each.name === name)!
  return {
    type: 'facts',
    title: strategy.name,
    facts: [
      { label: 'State', cell: { kind: 'state', state: stateOf(strategy) } },
      ...attention(strategy),
      ...pauseFact(strategy),
      { label: 'Database', cell: text(`${strategy.engine} · ${strategy.endpoint}`) },
      { label: 'Schedule', cell: text(`${strategy.schedule} (${strategy.timezone})`) },
      ...askFacts(strategy),
      ...runFacts(strategy),
      {
        label: 'Next run',
        cell: { kind: 'instant', at: strategy.nextAt, as: 'time', timezone: strategy.timezone },
      },
      ...keptFacts(strategy),
      ...replacedFacts(strategy),
      ...copyFacts(strategy),
      ...goodFacts(strategy),
      ...databaseFacts(strategy, now),
      ...provenFacts(strategy, now),
      ...rereadFacts(strategy, now),
      {
        label: 'Backups',
        cell: text(`${formatCount(strategy.backups)} · ${formatBytes(strategy.storedBytes)}`),
      },
      { label: 'Stored in', cell: text(strategy.storages.join(', ')) },
      ...(strategy.tags.length > 0 ? [{ label: 'Tags', cell: text(strategy.tags.join(', ')) }] : []),
    ],
    actions: [
      { label: 'Run now', command: 'run', args: { what: name }, style: 'primary' },
      { label: 'Backups', command: 'list', args: { what: name }, style: 'default' },
      ...(strategy.lastGood === null
        ? []
        : [{ label: 'Drill', command: 'drill', args: { strategy: name }, style: 'default' } as const]),
    ],
    data: strategy,
  }
}

function attention(strategy: StrategyView): Fact[] {
  return needsAttention(strategy) ? [{ label: 'Attention', cell: text(attentionTo(strategy)) }] : []
}

function pauseFact(strategy: StrategyView): Fact[] {
  const words = pauseWords(strategy)
  return words === null ? [] : [{ label: 'Paused', cell: text(words) }]
}

function askFacts({ name, asks = [] }: StrategyView): Fact[] {
  return asks.map(({ storage, count, total }) => ({
    label: 'Asks',
    cell: text(
      `delete ${count} of ${plural(total, 'backup')} in ${storage}? \`prune ${name}\` shows and decides it`,
    ),
  }))
}

function runFacts({ lastRun, timezone, runningId }: StrategyView): Fact[] {
  const running: Fact[] = runningId ? [{ label: 'Running', cell: { kind: 'code', text: runningId } }] : []
  if (!lastRun || lastRun.id === runningId) return running
  return [
    ...running,
    { label: 'Last run', cell: { kind: 'instant', at: lastRun.startedAt, as: 'time', timezone } },
    { label: 'Run id', cell: { kind: 'code', text: lastRun.id } },
  ]
}

/** A dump that no place took waits for somebody. */
function keptFacts({ kept, name, timezone }: StrategyView): Fact[] {
  if (!kept) return []
  const words = `${formatBytes(kept.bytes)} until ${dateText(kept.until, timezone)}; \`run ${name} --retry\` sends it`
  return [{ label: 'Kept dump', cell: text(words) }]
}

function goodFacts(strategy: StrategyView): Fact[] {
  const { lastGood } = strategy
  if (!lastGood)
    return [
      {
        label: 'Last good',
        cell: text(badDrill(strategy) === null ? 'none yet' : 'none left: its drill failed'),
      },
    ]
  return [
    { label: 'Last good', cell: { kind: 'instant', at: lastGood.createdAt, as: 'age' } },
    { label: 'Backup', cell: { kind: 'code', text: lastGood.id } },
    { label: 'Size', cell: { kind: 'bytes', bytes: lastGood.storedBytes } },
    { label: 'Level', cell: levelCell(lastGood) },
  ]
}

/** Each database of a whole server, what is not well first. */
function databaseFacts({ databases = [] }: StrategyView, now: number): Fact[] {
  return databases.map((one) => ({ label: one.name, cell: text(databaseWords(one, now)) }))
}

function databaseWords(one: DatabaseView, now: number): string {
  const { lastGood, overdueSince, goneAt, failuresInARow, state } = one
  const good = lastGood
    ? `${formatBytes(lastGood.storedBytes)} ${formatAge(now - lastGood.createdAt)} (${lastGood.id.slice(-4)})`
    : 'no good backup'
  const trouble = [
    ...(goneAt === null ? [] : [`gone since ${formatAge(now - goneAt)}`]),
    ...(goneAt === null && failuresInARow > 0 ? [`failed ${plural(failuresInARow, 'time')} in a row`] : []),
    ...(overdueSince === null ? [] : ['overdue']),
    ...(state === 'running' ? ['running'] : []),
  ]
  return [...trouble, good].join(' · ')
}

/** What is proven, since when; the last drill, when it was not that; the next one. */
function provenFacts(strategy: StrategyView, now: number): Fact[] {
  const { proven, drills, timezone } = strategy
  const last = drills?.last
  const words = proven
    ? proofWords(proven, now)
    : isUntried(strategy)
      ? 'unproven: never restored'
      : isUnproven(strategy)
        ? 'unproven'
        : null
  const facts: Fact[] = words === null ? [] : [{ label: 'Proven', cell: text(words) }]
  if (proven?.by === 'drill' && last?.verdict === 'pass' && last.previousMs !== null)
    facts.push({ label: 'Restore time', cell: text(restoreWords(last).join('')) })
  if (last && last.verdict !== 'pass')
    facts.push({
      label: 'Last drill',
      cell: text(
        `${verdictWords[last.verdict]} ${formatAge(now - last.at)}${last.why === null ? '' : `: ${last.why}`}`,
      ),
    })
  if (drills?.openId) facts.push({ label: 'Drilling', cell: { kind: 'code', text: drills.openId } })
  if (drills?.nextAt)
    facts.push({ label: 'Next drill', cell: { kind: 'instant', at: drills.nextAt, as: 'time', timezone } })
  return facts
}

/** Whether what is stored is still what was written. */
function rereadFacts({ reread }: StrategyView, now: number): Fact[] {
  return reread ? [{ label: 'Read again', cell: text(rereadWords(reread, now)) }] : []
}
