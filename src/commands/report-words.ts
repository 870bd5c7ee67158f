import { formatCount, formatDuration } from '../core/duration.ts'
import type { Level } from '../core/model.ts'
import type { Listed, Report, ReportedStrategy } from '../core/report.ts'
import { decisions, deletions, restores } from './report-acts.ts'
import { dateIn, section, stampIn, type Cells, type Stamp } from './report-markdown.ts'
import { levelWords, plural } from './phrases.ts'

/** The report as Markdown, for somebody who has never seen this program. */
export function reportText(report: Report): string {
  const stamp: Stamp = (at) => (at === null ? '–' : stampIn(at, report.timezone))
  const sections = [
    headOf(report, stamp),
    `## In short\n\n${shortly(report)
      .map((line) => `* ${line}`)
      .join('\n')}`,
    strategies(report, stamp),
    runs(report),
    failures(report, stamp),
    late(report, stamp),
    drills(report, stamp),
    verifications(report),
    broken(report, stamp),
    restores(report, stamp),
    deletions(report, stamp),
    ...decisions(report, stamp),
    chain(report),
  ]
  return sections.join('\n\n')
}

function headOf(report: Report, stamp: Stamp): string {
  const { period, only, timezone, installation, version, madeAt } = report
  const days = `${dateIn(period.since, timezone)} to ${dateIn(period.until, timezone)}`
  const facts = [
    ['Period', `from ${stamp(period.since)} up to ${stamp(period.until)}`],
    ['About', only ?? 'every strategy'],
    ['Times in', `${timezone}, each with its offset from UTC`],
    ['Installation', installation],
    ['Made', `${stamp(madeAt)} by easy-backup ${version}, from what this installation remembers`],
  ]
  return `# Backup report, ${days}\n\n${facts.map(([label, words]) => `* ${label}: ${words}`).join('\n')}`
}

/** What a reader takes away who reads nothing else. */
function shortly(report: Report): string[] {
  const {
    runs: all,
    failures: spells,
    late: lateness,
    drills: tried,
    broken: bad,
    unproven,
    restores: asked,
  } = report
  const sum = (of: (row: Report['runs'][number]) => number): number =>
    all.reduce((total, row) => total + of(row), 0)
  const { open } = spells
  const { pass, fail, inconclusive, none } = tried.verdicts
  const without = report.strategies.filter(({ lastGoodAt }) => lastGoodAt === null).map(({ name }) => name)
  return [
    `Backups: ${formatCount(sum((row) => row.succeeded + row.degraded))} good, ${formatCount(sum((row) => row.failed + row.interrupted))} failed, ${formatCount(sum(({ missed }) => missed))} missed.`,
    spells.total === 0
      ? 'No backup failed.'
      : `Failures: ${plural(spells.total, 'time')}; ${open === 0 ? 'each was followed by a good backup' : `${formatCount(open)} not followed by a good backup yet`}${cutOf(spells)}.`,
    lateness.total === 0
      ? 'No strategy was ever without a recent backup for longer than is promised.'
      : `Later than promised: ${plural(lateness.total, 'time')}${cutOf(lateness)}.`,
    ...(without.length === 0 ? [] : [`Without a good backup: ${without.join(', ')}.`]),
    tried.total === 0
      ? 'No restore drill was made.'
      : `Restore drills: ${formatCount(tried.total)}, of which ${formatCount(pass)} passed, ${formatCount(fail)} failed, ${formatCount(inconclusive + none)} came to no verdict${cutOf(tried)}.`,
    bad.total === 0
      ? 'No verification failed.'
      : `Verifications that failed, or found a copy that is not good: ${formatCount(bad.total)}${cutOf(bad)}.`,
    unproven.length === 0
      ? 'Every strategy with backups has had one restored and compared.'
      : `Never restored, so unproven: ${unproven.join(', ')}.`,
    `Restores asked for: ${formatCount(asked.total)}${asked.brokeGlass === 0 ? '' : `, ${asked.brokeGlass} without the second person they needed, of which ${asked.reviewed} reviewed since`}${cutOf(asked)}.`,
    auditLine(report),
    ...gapsOf(report),
  ]
}

/** The numbers are of all, the list is not. */
const cutOf = ({ rows, total }: Listed<unknown>): string =>
  total > rows.length ? `; the list below shows the oldest ${formatCount(rows.length)}` : ''

function gapsOf({ gaps, timezone }: Report): string[] {
  const { begunAt, forgotten } = gaps
  return [
    ...(begunAt === null ? [] : [`Nothing is known from before ${stampIn(begunAt, timezone)}.`]),
    ...forgotten.map(({ what, days }) => `Of ${what} nothing is known that is older than ${days} days.`),
  ]
}

function auditLine({ chain: { rows, problems } }: Report): string {
  return problems.length === 0
    ? `The audit log is whole: ${plural(rows, 'row')}.`
    : `THE AUDIT LOG IS NOT AS IT WAS WRITTEN: ${plural(problems.length, 'thing')} in ${plural(rows, 'row')}.`
}

function strategies(report: Report, stamp: Stamp): string {
  const columns = [
    'Strategy',
    'Database',
    'Schedule',
    'Kept',
    'Encryption',
    'Overwriting it needs',
    'Drills',
    'Newest good backup',
    'Last restored and compared',
  ]
  const row = (one: ReportedStrategy): Cells => [
    one.name,
    one.database,
    one.schedule,
    one.retention.map(({ storage, keeps }) => `${keeps} in ${storage}`).join('; '),
    one.encryption ?? 'none',
    one.secondPerson ? 'a second person' : 'one person',
    one.drills ?? 'when asked for',
    stamp(one.lastGoodAt),
    provenWords(one, stamp),
  ]
  return section('Strategies, as they are configured and stand now', columns, all(report.strategies.map(row)))
}

function provenWords({ proven, lastGoodAt, backups }: ReportedStrategy, stamp: Stamp): string {
  if (proven) return `${stamp(proven.at)} (${proven.by})`
  if (lastGoodAt !== null) return 'never: unproven'
  return backups > 0 ? 'never: no backup is good' : 'no backup'
}

function runs({ runs: counted }: Report): string {
  const columns = [
    'Strategy',
    'Good',
    'Good, not in every place',
    'Failed',
    'Interrupted',
    'Cancelled',
    'Skipped',
    'Missed',
    'Passed while paused',
  ]
  const rows = counted.map((row): Cells => [
    row.strategy,
    ...[
      row.succeeded,
      row.degraded,
      row.failed,
      row.interrupted,
      row.cancelled,
      row.skipped,
      row.missed,
      row.paused,
    ].map(formatCount),
  ])
  return section('Backups', columns, all(rows))
}

function failures({ failures: { rows, total } }: Report, stamp: Stamp): string {
  return section(
    'Failures, and how long until the next good backup',
    ['First failure', 'Strategy', 'Failed in a row', 'Why', 'Next good backup', 'After'],
    {
      total,
      rows: rows.map(({ from, strategy, runs: count, why, goodAt }) => [
        stamp(from),
        strategy,
        formatCount(count),
        why,
        goodAt === null ? 'not yet' : stamp(goodAt),
        goodAt === null ? '–' : formatDuration(goodAt - from),
      ]),
    },
  )
}

function late({ late: { rows, total } }: Report, stamp: Stamp): string {
  return section(
    'Times without a recent backup, by what is promised now',
    ['From', 'Until', 'Strategy', 'For', 'Promised at least every', 'Remark'],
    {
      total,
      rows: rows.map(({ from, to, strategy, tookMs, promisedMs, paused }) => [
        stamp(from),
        to === null ? 'the end of the period' : stamp(to),
        strategy,
        formatDuration(tookMs),
        formatDuration(promisedMs),
        paused === 0 ? '' : `paused by a person: ${plural(paused, 'backup')} left out`,
      ]),
    },
  )
}

function drills({ drills: { rows, total } }: Report, stamp: Stamp): string {
  const checked = (checks: readonly { ok: boolean }[]): string =>
    checks.length === 0 ? '–' : `${checks.filter(({ ok }) => ok).length} of ${checks.length} true`
  return section(
    'Restore drills',
    [
      'When',
      'Strategy',
      'Backup',
      'Verdict',
      'Why',
      'Restored in',
      'Fetched, verified and restored in',
      'Rows',
      'Own checks',
      'Evidence',
    ],
    {
      total,
      rows: rows.map((one) => [
        stamp(one.at),
        one.strategy,
        one.backup ?? '–',
        one.verdict ?? 'none: it did not end',
        one.why ?? '',
        one.server ?? '–',
        one.restoreMs === null ? '–' : formatDuration(one.restoreMs),
        one.rows === null ? '–' : formatCount(one.rows),
        checked(one.checks),
        one.evidence ? `${one.evidence.key} in ${one.evidence.storage}` : '–',
      ]),
    },
  )
}

function verifications({ verifications: found }: Report): string {
  const levels = Object.keys(levelWords) as Level[]
  const columns = ['Strategy', ...levels.map((level) => `Found good: ${levelWords[level]}`)]
  const rows = found.map(({ strategy, good }): Cells => [
    strategy,
    ...levels.map((level) => formatCount(good[level] ?? 0)),
  ])
  return section('Verifications of stored backups', columns, all(rows))
}

function broken({ broken: { rows, total } }: Report, stamp: Stamp): string {
  return section(
    'Verifications that failed, or found a copy that is not good',
    ['When', 'Strategy', 'Backup', 'Why'],
    {
      total,
      rows: rows.map(({ at, strategy, backup, why }) => [stamp(at), strategy, backup ?? '–', why]),
    },
  )
}

function chain(report: Report): string {
  const lines = report.chain.problems.map((problem) => `* ${problem}`)
  const more =
    'Each row holds the hash of the one before. `easy-backup audit --verify` also compares it with what was stored of it with the backups.'
  return [
    '## The audit log',
    [auditLine(report), more].join(' '),
    ...(lines.length > 0 ? [lines.join('\n')] : []),
  ].join('\n\n')
}

const all = (rows: Cells[]): Listed<Cells> => ({ rows, total: rows.length })
