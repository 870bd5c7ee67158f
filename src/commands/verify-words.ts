import { formatAge, formatBytes, formatCount } from '../core/duration.ts'
import type { RunView, StrategyView } from '../core/model.ts'
import type { RereadStanding } from '../core/reread.ts'
import type { VerifyAllResult } from '../core/results.ts'
import { plural } from './phrases.ts'
import { text, type Table } from './reply.ts'

/** What a look at all backups of a strategy found: "40 backups, 80 copies, 12 GB read: all good". */
export function allWords(all: VerifyAllResult): string {
  const { backups, copies, bytes, broken, unread, moreBroken = 0, knownBroken } = all
  const before = knownBroken === 0 ? '' : `; ${knownBrokenWords(knownBroken)}`
  if (copies === 0) return `${knownBroken === 0 ? 'nothing to verify' : 'no good copy to read'}${before}`
  const found = [
    ...(broken.length > 0 ? [`${broken.length + moreBroken} broken`] : []),
    ...(unread.length > 0 ? [`${unread.length} could not be read`] : []),
  ]
  return `${plural(backups, 'backup')}, ${copiesText(copies)}, ${formatBytes(bytes)} read: ${found.join(', ') || 'all good'}${before}`
}

function knownBrokenWords(count: number): string {
  return `${copiesText(count)} known to be broken ${count === 1 ? 'was' : 'were'} not read again`
}

function copiesText(count: number): string {
  return count === 1 ? '1 copy' : `${formatCount(count)} copies`
}

const mostLines = 10

/** A line for each copy that is not good. */
export function allLines({ broken, unread, moreBroken = 0 }: VerifyAllResult): string[] {
  const lines = [
    ...broken.map(({ backup, storage, why }) => `broken: ${backup} in ${storage}: ${why}`),
    ...unread.map(({ backup, storage, why }) => `not read: ${backup} in ${storage}: ${why}`),
  ]
  const more = lines.length - mostLines + moreBroken
  return [
    ...lines.slice(0, mostLines),
    ...(more > 0 ? [`and ${more} more: the log of the run has them`] : []),
  ]
}

/** One row for each strategy; null unless all of these runs looked at every backup of one. */
export function allTable(runs: readonly RunView[]): Table | null {
  if (runs.length === 0 || !runs.every(({ verify }) => verify?.all)) return null
  const rows = runs.map((run) => {
    const all = run.verify!.all!
    const broken = all.broken.length + (all.moreBroken ?? 0) + all.knownBroken
    return {
      id: run.id,
      data: run,
      cells: {
        strategy: { kind: 'code', text: run.strategy },
        state: text(broken > 0 ? 'broken' : all.unread.length > 0 ? 'not all read' : 'good'),
        backups: { kind: 'count', count: all.backups },
        copies: { kind: 'count', count: all.copies },
        read: { kind: 'bytes', bytes: all.bytes },
        broken: { kind: 'count', count: broken },
        unread: { kind: 'count', count: all.unread.length },
      },
    } satisfies Table['rows'][number]
  })
  const copies = runs.reduce((sum, { verify }) => sum + verify!.all!.copies, 0)
  const summary = `${plural(runs.length, 'strategy')} · ${copiesText(copies)} read`
  return { title: 'Verified', summary, columns, rows, empty: '' }
}

const columns = [
  { key: 'strategy', label: 'Strategy' },
  { key: 'state', label: 'State' },
  { key: 'backups', label: 'Backups' },
  { key: 'copies', label: 'Copies' },
  { key: 'read', label: 'Read' },
  { key: 'broken', label: 'Broken' },
  { key: 'unread', label: 'Not read' },
]

/** "every copy (12) since 3 d ago; 1 is broken and not offered": when the backups of a strategy were last all read. */
export function rereadWords({ copies, broken, allSince, lastAt }: RereadStanding, now: number): string {
  const good = copies - broken
  const all =
    allSince === null
      ? 'no good copy'
      : `every good copy (${good}) was written or read since ${formatAge(now - allSince)}`
  const last = lastAt === null ? 'none was read again yet' : `the last one ${formatAge(now - lastAt)}`
  const bad = broken === 0 ? [] : [`${broken} ${broken === 1 ? 'is' : 'are'} broken and not offered`]
  return [all, ...(good > 0 ? [last] : []), ...bad].join('; ')
}

/** Of all strategies, in all places. */
export function brokenCopies(strategies: readonly StrategyView[]): number {
  return strategies.reduce((sum, { reread }) => sum + (reread?.broken ?? 0), 0)
}
