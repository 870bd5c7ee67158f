import { formatBytes, formatCount, formatDuration } from '../../core/duration.ts'
import type { Evidence } from './evidence.ts'

const verdicts: Record<Evidence['verdict'], string> = {
  pass: '**passed**: the backup was restored, and it is what it should be',
  fail: '**failed**: the backup was tried, and it is not what it should be',
  inconclusive: '**inconclusive**: it could not be told whether the backup restores',
}

/** The evidence as a page that people read. */
export function evidencePage(evidence: Evidence): string {
  const { backup, restored, times, asked, why, verdict, notes } = evidence
  return [
    `# Restore drill of ${cell(backup.id)}`,
    '',
    `Result: ${verdicts[verdict]}${why === null ? '' : ` (${cell(why)})`}.`,
    '',
    ...table(
      ['what', 'fact'],
      [
        ['backup', backup.id],
        ['made', backup.madeAt],
        ['of', `${backup.database} (strategy ${backup.strategy}, ${backup.engine})`],
        ['encrypted', backup.encrypted ? 'yes' : 'no'],
        ['level before', backup.level],
        ['SHA-256 of the manifest', backup.digest],
        ...backup.objects.map(({ key, bytes, sha256 }) => [key, `${formatBytes(bytes)}, SHA-256 ${sha256}`]),
        ['fetched from', restored.fromStorage ?? 'nowhere'],
        ['restored into', `${restored.server}, on ${restored.host}`],
        ['fetched, verified and restored in', duration(times.restoreMs)],
        ['allowed', times.maxDurationMs === null ? 'no limit' : duration(times.maxDurationMs)],
        ['the passed drill before took', duration(times.previousMs)],
        ['began', times.startedAt],
        ['ended', times.endedAt],
        ['asked for by', `${asked.by.id} (${asked.by.via}, ${asked.trigger})`],
        ['run', asked.run],
        [
          'done with',
          `${evidence.tool.name} ${evidence.tool.version}, installation ${evidence.installation}`,
        ],
      ],
    ),
    ...rowsPart(evidence),
    ...objectsPart(evidence),
    ...checksPart(evidence),
    ...(notes.length > 0 ? ['', '## Notes', '', ...notes.map((note) => `* ${cell(note)}`)] : []),
    '',
  ].join('\n')
}

function rowsPart({ rows }: Evidence): string[] {
  const total = ['all tables', count(rows.expected), count(rows.found)]
  const named = (rows.tables ?? []).map(({ name, expected, found }) => [name, count(expected), count(found)])
  return ['', '## Rows', '', ...table(['table', 'in the backup', 'restored'], [...named, total])]
}

function objectsPart({ objects }: Evidence): string[] {
  if (!objects) return ['', 'Schema objects were not compared.']
  const lines = objects.map(({ kind, expected, found }) => [kind, count(expected), count(found)])
  return ['', '## Schema objects', '', ...table(['kind', 'in the backup', 'restored'], lines)]
}

function checksPart({ checks }: Evidence): string[] {
  if (checks.length === 0) return ['', 'No checks are configured.']
  const lines = checks.map(({ name, expected, found, ok }, index) => [
    name ?? `check ${index + 1}`,
    expected ?? 'not told here',
    found ?? 'not told here',
    ok ? 'holds' : 'does not hold',
  ])
  return ['', '## Checks', '', ...table(['check', 'expected', 'found', 'result'], lines)]
}

function table(heads: string[], lines: string[][]): string[] {
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.map(cell).join(' | ')} |`)
}

/** Names of tables and answers of a database may be anything. */
function cell(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(/[\\|<>`*[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, (letter) => `\\${letter}`)
}

function count(number: number | null): string {
  return number === null ? 'not counted' : formatCount(number)
}

function duration(ms: number | null): string {
  return ms === null ? 'unknown' : formatDuration(ms)
}
