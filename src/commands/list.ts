import { Type, type Static } from 'typebox'
import { formatBytes, parseDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import type { BackupView } from '../core/model.ts'
import { defineCommand, type CommandContext } from './command.ts'
import { levelField, limitField, lineField, selectorField, strategyField } from './fields.ts'
import { levelWords, plural } from './phrases.ts'
import type { Reply, TableRow } from './reply.ts'
import { isTag, knownStrategy, selectStrategies, tagOf } from './select.ts'
import { quoted } from './words.ts'

const usualLimit = 100
const instant = (description: string) =>
  lineField('duration such as 7d or a date such as 2026-11-20', description, { maxLength: 40 })

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
  limit: Type.Optional(limitField),
})
type Args = Static<typeof args>

export const list = defineCommand({
  name: 'list',
  aliases: ['ls'],
  summary: 'Backups with age, size, level and place',
  usage: '[strategy | tag:x] [--level V2] [--since 7d] [--limit N]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args,
  positional: ['what'],
  later: ['status'],
  async run(given, context): Promise<Reply> {
    const limit = given.limit ?? usualLimit
    const wanted = await wantedBackups(given, context)
    const backups = wanted.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, limit)
    return {
      type: 'table',
      table: {
        title: 'Backups',
        summary: summaryOf(backups, wanted.length > backups.length),
        columns,
        rows: backups.map(row),
        empty: 'no backups yet; `run` makes one',
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

async function wantedBackups(given: Args, { engine, clock }: CommandContext): Promise<BackupView[]> {
  const since = instantOf(given.since, clock.now())
  const until = instantOf(given.until, clock.now())
  const filters = since !== null || until !== null || given.level || given.storage || given.search
  const backups = await engine.backups({
    ...(await scopeOf(given, engine)),
    ...(given.database === undefined ? {} : { database: given.database }),
    // What is filtered here needs all of them; one more than wanted tells that there are more.
    limit: filters ? Number.MAX_SAFE_INTEGER : (given.limit ?? usualLimit) + 1,
  })
  return backups.filter(
    (backup) =>
      (since === null || backup.createdAt >= since) &&
      (until === null || backup.createdAt <= until) &&
      (given.level === undefined || backup.level >= given.level) &&
      (given.storage === undefined || backup.storages.includes(given.storage)) &&
      (given.search === undefined || backup.id.includes(given.search)),
  )
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
function instantOf(text: string | undefined, now: number): number | null {
  if (text === undefined) return null
  const ms = parseDuration(text)
  if (ms !== null) return now - ms
  const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text).getTime()
  if (!Number.isNaN(at) && /^\d{4}-/.test(text)) return at
  throw new Fault('usage', `${quoted(text)} is neither a duration nor a date`, {
    hint: 'write 7d, 2026-11-20 or 2026-11-20T06:00',
  })
}

function summaryOf(backups: BackupView[], more: boolean): string {
  const bytes = backups.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  const count = plural(backups.length, 'backup')
  return `${more ? `newest ${count}; --limit shows more` : count} · ${formatBytes(bytes)}`
}

function row(backup: BackupView): TableRow {
  const remark = backup.corrupt === null ? '' : 'corrupt'
  return {
    id: backup.id,
    cells: {
      backup: { kind: 'code', text: backup.id },
      age: { kind: 'instant', at: backup.createdAt, as: 'age' },
      size: { kind: 'bytes', bytes: backup.storedBytes },
      level: { kind: 'text', text: (remark || levelWords[backup.level]) + (backup.pin ? ' · pinned' : '') },
      place: { kind: 'text', text: backup.storages.join(', ') + (backup.foreign ? ' (foreign)' : '') },
    },
    data: backup,
  }
}
