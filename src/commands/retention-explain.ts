import { Type } from 'typebox'
import { formatBytes } from '../core/duration.ts'
import { aboutStrategy } from './about.ts'
import { defineCommand, type Engine } from './command.ts'
import { selectorField } from './fields.ts'
import { dateText, plural } from './phrases.ts'
import type { Table } from './reply.ts'
import { selectStrategies } from './select.ts'

type View = Awaited<ReturnType<Engine['retention']>>[number]
type Line = View['backups'][number]

export const retentionExplain = defineCommand({
  name: 'retention explain',
  aliases: [],
  summary: 'Why each backup is kept, or goes with the next prune',
  usage: '[strategy | tag:x]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({ strategy: Type.Optional(selectorField('only of a strategy, or of tag:x')) }),
  positional: ['strategy'],
  about: aboutStrategy,
  async run({ strategy }, { engine }) {
    const views = await retentionOf(engine, strategy)
    return { type: 'table', table: retentionTable(views, { title: 'Retention', only: () => true }) }
  },
})

/** @param selector  absent: of all. @throws Fault not-found */
export async function retentionOf(engine: Engine, selector: string | undefined): Promise<View[]> {
  if (selector === undefined) return engine.retention(null)
  const views: View[] = []
  for (const name of await selectStrategies(engine, selector)) views.push(...(await engine.retention(name)))
  return views
}

/** @param only  which backups are listed; the summary counts all */
export function retentionTable(
  views: readonly View[],
  { title, only }: { title: string; only: (line: Line) => boolean },
): Table {
  const rows = views.flatMap((view) => view.backups.filter(only).map((line) => rowOf(view, line)))
  const strategies = new Set(views.map(({ strategy }) => strategy))
  const isOfMany = new Set(views.map((view) => `${view.strategy}/${view.series}`)).size > strategies.size
  return {
    title,
    summary: summaryOf(views),
    columns: [
      { key: 'backup', label: 'Backup' },
      ...(isOfMany ? [{ key: 'database', label: 'Database' }] : []),
      { key: 'place', label: 'Place' },
      { key: 'age', label: 'Age' },
      { key: 'reason', label: 'Why' },
    ],
    rows,
    empty: views.length === 0 ? 'no backups yet; `run` makes one' : 'nothing would be deleted',
    data: views,
  }
}

function rowOf(view: View, line: Line): Table['rows'][number] {
  return {
    id: `${line.id}/${view.storage}`,
    cells: {
      backup: { kind: 'code', text: line.id },
      database: { kind: 'text', text: view.series },
      place: { kind: 'text', text: view.storage },
      age: { kind: 'instant', at: line.createdAt, as: 'age' },
      reason: { kind: 'text', text: whyOf(view, line) },
    },
    data: { strategy: view.strategy, series: view.series, storage: view.storage, ...line },
  }
}

function whyOf({ timezone }: View, { keep, reason, retainedUntil }: Line): string {
  if (keep) return `kept: ${reason}`
  if (retainedUntil === null) return `goes: ${reason}`
  return `retained until ${dateText(retainedUntil, timezone)}: ${reason}`
}

function summaryOf(views: readonly View[]): string {
  const lines = views.flatMap(({ backups }) => backups)
  const going = lines.filter(({ keep, retainedUntil }) => !keep && retainedUntil === null)
  const bytes = going.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  const frozen = views.flatMap((view) => (view.frozen === null ? [] : [`${view.storage} ${view.frozen}`]))
  const goes = `${going.length} of ${plural(lines.length, 'backup')} would go (${formatBytes(bytes)})`
  return [goes, ...new Set(frozen)].join(' · ')
}
