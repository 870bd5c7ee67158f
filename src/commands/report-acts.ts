import { formatCount } from '../core/duration.ts'
import type { Actor } from '../core/model.ts'
import type { Report, ReportedRestore } from '../core/report.ts'
import { section, type Stamp } from './report-markdown.ts'
import { standing } from './request-words.ts'

/** What people did and decided, as sections of the report. */

export function restores({ restores: { rows, total } }: Report, stamp: Stamp): string {
  return section(
    'Restores: who asked, who agreed, what came of it',
    ['Asked', 'By', 'Backup', 'Where', 'Reason', 'Decided', 'How it ended', 'Second person left out'],
    {
      total,
      rows: rows.map((one) => [
        stamp(one.at),
        who(one.askedBy),
        one.backup,
        one.target,
        one.reason ?? 'none given',
        decidedOf(one, stamp),
        [standing[one.state], one.fault].filter(Boolean).join(': '),
        glassOf(one, stamp),
      ]),
    },
  )
}

function decidedOf({ decidedBy, decidedAt, decision }: ReportedRestore, stamp: Stamp): string {
  if (decidedBy === null) return 'by nobody'
  return [`${who(decidedBy)}, ${stamp(decidedAt)}`, decision].filter(Boolean).join(': ')
}

function glassOf({ brokeGlass, reviewedBy, reviewedAt }: ReportedRestore, stamp: Stamp): string {
  if (!brokeGlass) return 'no'
  return reviewedBy === null
    ? 'YES, not reviewed'
    : `yes, reviewed by ${who(reviewedBy)}, ${stamp(reviewedAt)}`
}

export function deletions({ deletions: { rows, total } }: Report, stamp: Stamp): string {
  return section('Deleted by retention', ['Strategy', 'Place', 'Why', 'Backups', 'First', 'Last'], {
    total,
    rows: rows.map(({ strategy, storage, reason, backups, firstAt, lastAt }) => [
      strategy,
      storage,
      reason,
      formatCount(backups),
      stamp(firstAt),
      stamp(lastAt),
    ]),
  })
}

export function decisions({ changes, downloads, refusals }: Report, stamp: Stamp): string[] {
  const columns = ['Row', 'When', 'Who', 'What', 'About', 'Result', 'Why', 'Detail']
  const lists = [
    ['Decisions about access, configuration, pins, pauses and deletions', changes],
    ['Backups that were handed out', downloads],
    ['Refused for want of a right', refusals],
  ] as const
  return lists.map(([title, { rows, total }]) =>
    section(title, columns, {
      total,
      rows: rows.map((one) => [
        String(one.seq),
        stamp(one.at),
        who(one.by),
        one.act,
        [one.strategy, one.subject].filter(Boolean).join(' '),
        one.result,
        one.reason ?? '',
        one.detail ?? '',
      ]),
    }),
  )
}

function who({ via, id }: Actor): string {
  if (via === 'service') return 'the service itself'
  return via === 'slack' ? `${id} (Slack)` : `${id} (${via === 'cli' ? 'on the host' : via})`
}
