import { relative } from 'node:path'
import { launcher } from './bot.ts'

export interface DemoFacts {
  url: string
  folder: string
  postgres: { version: number; url: string } | null
  /** Bold and dim, on a terminal. */
  colours: boolean
}

/** What to open, what to type, whom to be, and where everything is. */
export function summary(facts: DemoFacts): string {
  const { bold, dim } = paint(facts.colours)
  const strategy = facts.postgres ? 'production-db' : 'crm'
  const typed = (command: string, about: string): string => `${bold(command.padEnd(32))} ${dim(about)}`
  const rows: [string, string[]][] = [
    ['Open', [bold(facts.url)]],
    [
      'Type',
      [
        typed('/backup', 'what needs attention'),
        typed('/backup list', 'every backup'),
        typed(`/backup run ${strategy}`, 'a backup now, in its own thread'),
        typed(`/backup drill ${strategy}`, 'a real restore, compared, timed and thrown away'),
        typed('/backup drill newsletter', 'one that fails; payroll: one that cannot tell'),
        typed(`/backup restore ${strategy}`, 'beside it after you confirm; in place after Carol approves'),
      ],
    ],
    [
      'Be',
      [
        `Alice ${dim('(owner)')}, Bob or Carol ${dim('(members)')}, Gus ${dim('(guest)')}: ${dim('top left')}`,
      ],
    ],
    ['Databases', databases(facts, dim)],
    ['Files', [facts.folder, dim('easy-backup.yml, backups/, bot.log')]],
    ['Shell', [`${bold(`${commandName()} -c ${facts.folder}/easy-backup.yml list`)}`]],
  ]
  const body = rows.flatMap(([title, lines]) =>
    lines.map((line, at) => `  ${dim((at === 0 ? title : '').padEnd(10))} ${line}`),
  )
  return ['', `  ${bold('easy-backup is running.')}`, '', ...body, '', `  ${dim('Ctrl-C stops everything and removes the folder.')}`, ''].join('\n') // prettier-ignore
}

function databases({ postgres, folder }: DemoFacts, dim: (text: string) => string): string[] {
  const file = `${folder}/ ${dim('crm.db, newsletter.db, payroll.db (SQLite)')}`
  if (!postgres) return [file]
  return [`shop and analytics ${dim(`(PostgreSQL ${postgres.version})`)}: psql ${postgres.url}`, file]
}

/** As it is typed from where the demo was started. */
function commandName(): string {
  const path = relative(process.cwd(), launcher)
  return path.startsWith('..') ? launcher : path
}

function paint(colours: boolean): Record<'bold' | 'dim', (text: string) => string> {
  const wrap = (on: number, off: number) => (text: string) =>
    colours ? `\u001B[${on}m${text}\u001B[${off}m` : text
  return { bold: wrap(1, 22), dim: wrap(2, 22) }
}
