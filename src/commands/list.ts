import { Type, type Static } from 'typebox'
import { formatAge, formatBytes, parseDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import type { BackupView } from '../core/model.ts'
import type { HistoryAsk, RunLine } from '../engine/facade.ts'
import { aboutStrategy } from './about.ts'
import { defineCommand, type CommandContext } from './command.ts'
import { levelField, limitField, lineField, selectorField, strategyField } from './fields.ts'
import { levelWords, plural } from './phrases.ts'
import { text, type Reply, type TableRow } from './reply.ts'
import { isTag, knownStrategy, selectStrategies, tagOf } from './select.ts'
import { quoted } from './words.ts'

const usualLimit = 100
const instant = (description: string) =>
  lineField('duration such as 7d or a date such as 2026-11-20', description, { maxLength: 40 })

const standings = ['good', 'corrupt', 'owed', 'pinned', 'foreign'] as const
const outcomes = ['failed', 'degraded', 'cancelled', 'interrupted'] as const

const args = Type.Object({
  what: Type.Optional(selectorField('a strategy, tag:x or all')),
  strategy: Type.Optional(strategyField('only of this strategy')),
  tag: Type.Optional(lineField('tag', 'only of strategies with this tag', { maxLength: 63 })),
  database: Type.Optional(lineField('database name', 'only of this database', { maxLength: 255 })),
  storage: Type.Optional(lineField('place', 'only those in this place', { maxLength: 63 })),
  level: Type.Optional(levelField(['V0', 'V1', 'V2', 'V3'], 'only those verified this far or further')),
  since: Type.Optional(instant('only those not older')),
  until: Type.Optional(instant('only those at least as old')),
  search: Type.Optional(lineField('text', 'only those with this text in the id', { maxLength: 100 })),
  status: Type.Optional(
    Type.Enum([...standings, ...outcomes], {
      title: `status: ${[...standings, ...outcomes].join(', ')}`,
      description: `backups that are ${standings.join(', ')}; or runs that ended ${outcomes.join(', ')}`,
    }),
  ),
  limit: Type.Optional(limitField),
})
type Args = Static<typeof args>

export const list = defineCommand({
  name: 'list',
  aliases: ['ls'],
  summary: 'Backups with age, size, level and place; or runs that ended badly',
  usage:
    '[strategy | tag:x] [--status good|corrupt|owed|pinned|failed|…] [--level V2] [--since 7d] [--search TEXT] [--limit N]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args,
  positional: ['what'],
  about: ({ what, strategy }, engine) => {
    const named = strategy ?? (what === undefined || what === 'all' || isTag(what) ? undefined : what)
    return aboutStrategy(named === undefined ? {} : { strategy: named }, engine)
  },
  async run(given, context): Promise<Reply> {
    const { status } = given
    const limit = given.limit ?? usualLimit
    const asked = { ...(await askOf(given, context)), limit: limit + 1 } // one more tells that there are more
    if (isOutcome(status)) return runsTable(await historyOf(given, asked, context), limit)
    const backups = await context.engine.backups({
      ...asked,
      ...(status !== undefined && { standing: status }),
      ...(given.database !== undefined && { database: given.database }),
      ...(given.storage !== undefined && { storage: given.storage }),
      ...(given.level !== undefined && { level: given.level }),
    })
    const shown = backups.slice(0, limit)
    const isFiltered = Object.values(given).some((value) => value !== undefined)
    return {
      type: 'table',
      table: {
        title: 'Backups',
        summary: summaryOf(shown, backups.length > limit),
        columns: shown.some(({ database }) => database !== undefined) ? columnsOfMany : columns,
        rows: shown.map((backup) => row(backup, context.clock.now())),
        empty: isFiltered ? 'no backup is like that' : 'no backups yet; `run` makes one',
      },
    }
  },
})

const columns = [
  { key: 'backup', label: 'Backup' },
  { key: 'age', label: 'Age' },
  { key: 'size', label: 'Size' },
  { key: 'level', label: 'Level' },
  { key: 'place', label: 'Place' },
]

/** Of a whole server a backup's id does not say which database it is of. */
const columnsOfMany = columns.toSpliced(1, 0, { key: 'database', label: 'Database' })

function isOutcome(status: Args['status']): status is (typeof outcomes)[number] {
  return outcomes.some((outcome) => outcome === status)
}

type Asked = Omit<HistoryAsk, 'state'>

/** What holds for backups and for runs alike. */
async function askOf(given: Args, { engine, clock }: CommandContext): Promise<Omit<Asked, 'limit'>> {
  const since = instantOf(given.since, clock.now())
  const until = instantOf(given.until, clock.now())
  return {
    ...(await scopeOf(given, engine)),
    ...(since !== null && { since }),
    ...(until !== null && { until }),
    ...(given.search !== undefined && { search: given.search }),
  }
}

function historyOf(given: Args, asked: Asked, { engine }: CommandContext): Promise<RunLine[]> {
  const only = (['level', 'storage', 'database'] as const).find((key) => given[key] !== undefined)
  if (only)
    throw new Fault('usage', `--${only} is about backups, and --status ${given.status} lists runs`, {
      hint: 'leave one of them out',
    })
  return engine.history({ ...asked, state: given.status as RunLine['state'] })
}

function runsTable(runs: RunLine[], limit: number): Reply {
  const shown = runs.slice(0, limit)
  const count = plural(shown.length, 'run')
  return {
    type: 'table',
    table: {
      title: 'Runs',
      summary: runs.length > limit ? `newest ${count}; --limit shows more` : count,
      columns: [
        { key: 'run', label: 'Run' },
        { key: 'strategy', label: 'Strategy' },
        { key: 'ended', label: 'Ended' },
        { key: 'state', label: 'State' },
        { key: 'why', label: 'Why' },
      ],
      rows: shown.map((run) => ({
        id: run.id,
        cells: {
          run: { kind: 'code', text: run.id },
          strategy: { kind: 'code', text: run.strategy },
          ended: { kind: 'instant', at: run.endedAt, as: 'age' },
          state: { kind: 'state', state: run.state },
          why: text(run.fault?.text ?? ''),
        },
        data: run,
      })),
      empty: 'no run ended so',
    },
  }
}

async function scopeOf(
  given: Args,
  engine: CommandContext['engine'],
): Promise<{ strategy?: string; tag?: string }> {
  const { what, strategy, tag } = given
  if (what !== undefined && (strategy !== undefined || tag !== undefined))
    throw new Fault(
      'usage',
      `${quoted(what)} and --${strategy === undefined ? 'tag' : 'strategy'} exclude each other`,
    )
  if (what !== undefined && isTag(what)) await selectStrategies(engine, what)
  if (what !== undefined && isTag(what)) return { tag: tagOf(what) }
  const name = what === 'all' ? undefined : (what ?? strategy)
  return {
    ...(name === undefined ? {} : { strategy: knownStrategy(engine, name) }),
    ...(tag === undefined ? {} : { tag }),
  }
}

/** `7d` is seven days ago; a date without a time is its start on this machine. */
export function instantOf(written: string | undefined, now: number): number | null {
  if (written === undefined) return null
  const ms = parseDuration(written)
  if (ms !== null) return now - ms
  const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(written) ? `${written}T00:00` : written).getTime()
  if (!Number.isNaN(at) && /^\d{4}-/.test(written)) return at
  throw new Fault('usage', `${quoted(written)} is neither a duration nor a date`, {
    hint: 'write 7d, 2026-11-20 or 2026-11-20T06:00',
  })
}

function summaryOf(backups: BackupView[], more: boolean): string {
  const bytes = backups.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  const count = plural(backups.length, 'backup')
  return `${more ? `newest ${count}; --limit shows more` : count} · ${formatBytes(bytes)}`
}

/** "disk, nas owed": where it is, and which place has to catch up. */
function placesOf({ storages, owed, foreign }: BackupView): string {
  return [...storages, ...owed.map((storage) => `${storage} owed`)].join(', ') + (foreign ? ' (foreign)' : '')
}

function row(backup: BackupView, now: number): TableRow {
  return {
    id: backup.id,
    cells: {
      backup: { kind: 'code', text: backup.id },
      ...(backup.database !== undefined && { database: { kind: 'code', text: backup.database } }),
      age: { kind: 'instant', at: backup.createdAt, as: 'age' },
      size: { kind: 'bytes', bytes: backup.storedBytes },
      level: {
        kind: 'text',
        text:
          standingOf(backup, now) + (backup.odd ? ' · not as usual' : '') + (backup.pin ? ' · pinned' : ''),
      },
      place: { kind: 'text', text: placesOf(backup) },
    },
    data: backup,
  }
}

/** How far it is verified; of what was restored, when. */
function standingOf({ corrupt, level, provedAtDump, drilled }: BackupView, now: number): string {
  if (corrupt !== null) return drilled?.verdict === 'fail' ? 'drill failed' : 'corrupt'
  if (level === 'V3' && drilled?.verdict === 'pass') return `restored ${formatAge(now - drilled.at)}`
  if (level === 'V2' && provedAtDump) return 'decoded at dump'
  return levelWords[level]
}
