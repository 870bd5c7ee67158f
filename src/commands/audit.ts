import { Type } from 'typebox'
import type { AuditRow } from '../core/audit.ts'
import { aboutStrategy } from './about.ts'
import { defineCommand, type Engine } from './command.ts'
import { limitField, lineField, strategyField } from './fields.ts'
import { instantOf } from './list.ts'
import { plural } from './phrases.ts'
import { text, type Reply, type TableRow } from './reply.ts'

const usualLimit = 50

export const audit = defineCommand({
  name: 'audit',
  aliases: [],
  summary: 'Who decided what, and who was refused; --verify proves that nothing in it was changed',
  usage: '[strategy] [--since 7d] [--limit N] | --verify',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: Type.Optional(strategyField('only what was about this strategy')),
    since: Type.Optional(
      lineField('duration such as 7d or a date such as 2026-11-20', 'only what is not older', {
        maxLength: 40,
      }),
    ),
    limit: Type.Optional(limitField),
    verify: Type.Optional(
      Type.Boolean({
        description: 'walk the whole chain, and compare it with what is stored with the backups',
      }),
    ),
  }),
  positional: ['strategy'],
  about: aboutStrategy,
  async run({ strategy, since, limit = usualLimit, verify = false }, { engine, clock }) {
    if (verify) return verified(engine)
    const from = instantOf(since, clock.now())
    const rows = await engine.audit({
      limit: limit + 1, // one more tells that there are more
      ...(strategy !== undefined && { strategy }),
      ...(from !== null && { since: from }),
    })
    return table(rows.slice(0, limit), rows.length > limit)
  },
})

async function verified(engine: Engine): Promise<Reply> {
  const report = await engine.verifyAudit()
  const { rows, heads, newestHead, problems, notes } = report
  const compared =
    heads === 0 ? '' : `, compared with ${plural(heads, 'stored head')}, the newest of ${newestHead}`
  const title =
    problems.length === 0
      ? `the audit log is whole: ${plural(rows, 'row')}${compared}`
      : `${plural(problems.length, 'thing')} in the audit log ${problems.length === 1 ? 'is' : 'are'} not as it was written`
  return {
    type: 'facts',
    title,
    facts: [
      ...problems.map(({ seq, text: words }) => ({
        label: seq === null ? 'place' : `row ${seq}`,
        cell: text(words),
      })),
      ...notes.map((note) => ({ label: 'note', cell: text(note) })),
    ],
    ...(problems.length > 0 && { fault: 'audit-broken' as const }),
    data: { ok: problems.length === 0, ...report },
  }
}

function table(rows: AuditRow[], more: boolean): Reply {
  const count = plural(rows.length, 'row')
  return {
    type: 'table',
    table: {
      title: 'Audit log',
      isPrivate: true,
      summary: more ? `newest ${count}; --limit shows more` : count,
      columns: [
        { key: 'row', label: 'Row' },
        { key: 'at', label: 'At' },
        { key: 'who', label: 'Who' },
        { key: 'what', label: 'What' },
        { key: 'why', label: 'Why' },
      ],
      rows: rows.map(line),
      empty: 'nothing was decided or refused',
    },
  }
}

function line(row: AuditRow): TableRow {
  const { seq, at, actor, act, result, strategy, subject, reason, detail } = row
  const whose = subject?.startsWith(`${strategy}-`) ? subject : [strategy, subject].filter(Boolean).join(' ')
  return {
    id: String(seq),
    cells: {
      row: { kind: 'count', count: seq },
      at: { kind: 'instant', at, as: 'time' },
      who: text(actor.via === 'cli' ? `${actor.id} (host)` : actor.id),
      what: text([act.endsWith(result) ? act : `${act} ${result}`, whose].filter(Boolean).join(' · ')),
      why: text([reason, detail].filter(Boolean).join(' · ')),
    },
    data: row,
  }
}
