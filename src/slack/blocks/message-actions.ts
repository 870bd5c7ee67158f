import type { Button, KnownBlock } from '@slack/types'
import { plural, runSentence, isEnded } from '../../commands/phrases.ts'
import type { IncidentView } from '../../core/incidents.ts'
import type { MessageBody } from '../../core/messages.ts'
import type { RunState, RunView } from '../../core/model.ts'
import { actions, askPrefix } from '../actions.ts'
import { cut, limits } from '../limits.ts'
import { drillAgain } from './drill.ts'
import { actionRows, button, context, draw, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { plain } from './modals.ts'
import { cancelButton, retryButton } from './run-card.ts'
import { joined, runName, safeLine } from './words.ts'

/** What a message of ours is about, as far as something can be done about it. */
export type Subject =
  | { type: 'run'; run: RunView }
  /** Only its buttons are known: the message is old. */
  | { type: 'ids'; strategy: string | null; run: string | null; backup: string | null }
  | { type: 'backup'; strategy: string; backup: string }
  | { type: 'runs'; title: string; runs: { run: string; strategy: string; state: string }[] }
  | { type: 'none' }

/** What one may ask for with a button here. */
export type Offered = (command: string) => boolean

export function subjectOf(body: MessageBody): Subject {
  switch (body.type) {
    case 'run.card':
    case 'run.progress':
    case 'run.alarm':
      return { type: 'run', run: body.run }
    case 'batch':
      return { type: 'runs', title: plural(body.batch.lines.length, 'backup'), runs: body.batch.lines }
    case 'request.card':
      return body.request.kind === 'restore'
        ? { type: 'backup', strategy: body.request.plan.backup.strategy, backup: body.request.plan.backup.id }
        : { type: 'none' }
    case 'incident':
    case 'incident.note':
      return ofIncident(body.incident)
    default:
      return { type: 'none' }
  }
}

function ofIncident({ members, where }: IncidentView): Subject {
  const runs = members.flatMap(({ run, strategy, state }) => (run === null ? [] : [{ run, strategy, state }]))
  return runs.length === 0 ? { type: 'none' } : { type: 'runs', title: `trouble with ${where}`, runs }
}

/** The answer to "Backup actions", for one person. */
export function messageActions(subject: Subject, may: Offered): Drawn {
  switch (subject.type) {
    case 'run':
      return runActions(subject.run, may)
    case 'ids':
      return knownByButtons(subject, may)
    case 'backup':
      return draw({
        headline: `*${safeLine(subject.strategy)}* · ${safeLine(subject.backup)}`,
        buttons: backupButtons(subject, may),
      })
    case 'runs':
      return chooseRun(subject)
    case 'none':
      return draw({
        headline: 'ℹ️ Nothing can be done with this message.',
        lines: [
          'Use *Backup actions* on a message of easy-backup about a backup: its thread has the buttons for it.',
        ],
        buttons: [status()],
      })
  }
}

function runActions(run: RunView, may: Offered): Drawn {
  const buttons = isEnded(run.state)
    ? [...ended(run, may), log(run.id)]
    : [may('cancel') ? cancelButton(run) : null, log(run.id)]
  return draw({
    headline: `${signs[run.state] ?? '⚪'} ${safeLine(runSentence(run), limits.headlineText)}`,
    small: [joined(run.backup && safeLine(run.backup.id), runName(run))],
    buttons,
  })
}

const signs: Partial<Record<RunState, string>> = {
  succeeded: '✅',
  degraded: '🟠',
  failed: '❌',
  running: '🔵',
}

function ended(run: RunView, may: Offered): (Button | null)[] {
  if (run.kind === 'drill') return may('drill') ? [drillAgain(run)] : []
  if (run.kind !== 'backup') return []
  if (run.backup === null) return may('run') ? [retryButton(run)] : []
  return backupButtons({ strategy: run.strategy, backup: run.backup.id }, may)
}

function backupButtons(of: { strategy: string; backup: string }, may: Offered): (Button | null)[] {
  const value = { id: of.backup, strategy: of.strategy }
  const ask = (label: string, command: string, more: Record<string, unknown> = {}): Button | null =>
    may(command)
      ? button({
          label,
          action: `${askPrefix}${command}`,
          value: { command, args: { backup: of.backup, ...more } },
        })
      : null
  return [
    may('restore') ? button({ label: 'Restore…', action: actions.restoreBackup, value }) : null,
    ask('Verify', 'verify'),
    of.strategy === '' ? null : ask('Drill', 'drill', { strategy: of.strategy }),
    ask('Pin', 'pin', { note: 'pinned from its message' }),
    ask('Download', 'download'),
    ask('Details', 'show'),
  ]
}

function knownByButtons({ strategy, run, backup }: Subject & { type: 'ids' }, may: Offered): Drawn {
  const again = strategy !== null && backup === null && may('run')
  return draw({
    headline: strategy === null ? 'What to do about this backup' : `*${safeLine(strategy)}*`,
    buttons: [
      ...(backup === null ? [] : backupButtons({ strategy: strategy ?? '', backup }, may)),
      again ? button({ label: 'Run again', action: actions.retryRun, value: { strategy } }) : null,
      run === null ? null : log(run),
    ],
  })
}

function chooseRun({ title, runs }: Subject & { type: 'runs' }): Drawn {
  const offered = runs.filter(({ run }) => run.length <= limits.option.value).slice(0, limits.selectOptions)
  const menu: KnownBlock = {
    type: 'actions',
    elements: [
      {
        type: 'static_select',
        action_id: actions.chooseRun,
        placeholder: plain('Choose a backup', limits.placeholder),
        options: offered.map(({ run, strategy, state }) => ({
          text: plain(cut(`${strategy} · ${state}`, limits.option.text), limits.option.text),
          value: run,
        })),
      },
    ],
  }
  const headline = `This message tells of ${safeLine(title)}. Which one?`
  const left = runs.length - offered.length
  const rest = left > 0 ? [context(`and ${left} more: \`/backup list\` and a name shows them`)] : []
  if (offered.length === 0) return draw({ headline, buttons: [status()] })
  return finish([headline], [section(headline), menu, ...rest, ...actionRows([status()])])
}

function log(run: string): Button | null {
  return button({ label: 'View Log', action: actions.viewLog, value: { id: run } })
}

function status(): Button | null {
  return button({ label: 'Status', action: `${askPrefix}status`, value: { command: 'status', args: {} } })
}
