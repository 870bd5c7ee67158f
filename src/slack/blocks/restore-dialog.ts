import type { InputBlock, KnownBlock, ModalView, PlainTextOption } from '@slack/types'
import { formatAge, formatBytes } from '../../core/duration.ts'
import type { BackupView, RequestView } from '../../core/model.ts'
import { levelText } from '../../commands/phrases.ts'
import { actions, inputs, views } from '../actions.ts'
import { groupsOf, limits } from '../limits.ts'
import { context, draw, section } from './elements.ts'
import { drawnView, plain } from './modals.ts'
import { drawFault } from './reply.ts'
import { requestCard } from './request-card.ts'
import { joined, safeLine } from './words.ts'

export const restoreTitle = 'Restore a backup'

/** What the dialog shows and remembers. */
export interface RestoreDialog {
  /** More than one: the person chooses first. */
  strategies: string[]
  strategy: string | null
  /** Newest first; corrupt ones are never offered. */
  backups: BackupView[]
  /** Preselected backup's id; null: the newest. */
  chosen: string | null
  now: number
  /** Where the person was, to be answered there. */
  channel: string | null
  /** What is typed to overwrite the strategy's own database; null before a strategy is chosen. */
  ownName: string | null
  /** Overwriting wants a reason and a second person. */
  isProtected: boolean
  /** What was typed before, when the dialog is shown again. */
  typed?: { target: Target; database: string; name: string; reason: string }
  /** Why the plan could not be made. */
  problem?: unknown
}

export const targets = ['new', 'named', 'overwrite', 'in-place'] as const
export type Target = (typeof targets)[number]

export function isOverwriting(target: Target): boolean {
  return target === 'overwrite' || target === 'in-place'
}

export function restoreDialog(dialog: RestoreDialog): ModalView {
  if (dialog.strategy === null) return strategyPicker(dialog)
  const newest = dialog.backups[0]
  if (newest === undefined) {
    const name = safeLine(dialog.strategy)
    return drawnView(
      restoreTitle,
      draw({
        headline: `ℹ️ *${name}* has no backup that can be restored.`,
        lines: [`\`/backup run ${name}\` makes one.`],
      }),
    )
  }
  return {
    type: 'modal',
    callback_id: views.restore,
    private_metadata: remember(dialog),
    title: plain(restoreTitle, limits.view.title),
    submit: plain('Show the plan', limits.view.button),
    close: plain('Close', limits.view.button),
    blocks: [
      ...trouble(dialog.problem),
      section(`*${safeLine(dialog.strategy)}*`),
      backupInput(dialog),
      ...targetInputs(dialog),
      reasonInput(dialog),
      context('Nothing happens yet: the plan is shown first, and somebody confirms it.'),
    ],
  }
}

function trouble(problem: unknown): KnownBlock[] {
  return problem === undefined ? [] : drawFault(problem).blocks
}

function strategyPicker(dialog: RestoreDialog): ModalView {
  const groups = groupsOf(dialog.strategies.map(strategyOption), limits.selectOptions).slice(
    0,
    limits.selectGroups,
  )
  const first = groups[0]
  if (first === undefined)
    return drawnView(restoreTitle, draw({ headline: 'ℹ️ No strategies are configured.' }))
  const choices =
    groups.length === 1
      ? { options: first }
      : {
          option_groups: groups.map((options) => ({
            label: plain(range(options), limits.option.text),
            options,
          })),
        }
  return {
    type: 'modal',
    callback_id: views.restore,
    private_metadata: remember({ ...dialog, strategy: null }),
    title: plain(restoreTitle, limits.view.title),
    close: plain('Close', limits.view.button),
    blocks: [
      section('Whose backup?'),
      {
        type: 'actions',
        elements: [
          {
            type: 'static_select',
            action_id: actions.chooseStrategy,
            placeholder: plain('Choose a strategy', limits.placeholder),
            ...choices,
          },
        ],
      },
    ],
  }
}

function strategyOption(name: string): PlainTextOption {
  return { text: plain(name, limits.option.text), value: name }
}

function range(options: PlainTextOption[]): string {
  const letters = (option: PlainTextOption | undefined): string => (option?.text.text ?? '').slice(0, 20)
  return `${letters(options[0])} – ${letters(options.at(-1))}`
}

function backupInput({ backups, chosen, now }: RestoreDialog): InputBlock {
  const shown = offered(backups, chosen)
  const options = shown.map((backup) => backupOption(backup, now))
  const at = Math.max(
    0,
    shown.findIndex(({ id }) => id === chosen),
  )
  return {
    type: 'input',
    block_id: inputs.backup,
    label: plain('Backup', limits.label),
    element: { type: 'static_select', action_id: inputs.backup, options, ...initial(options[at]) },
  }
}

/** As many as a menu holds; the chosen one is always among them. */
function offered(backups: BackupView[], chosen: string | null): BackupView[] {
  const newest = backups.slice(0, limits.selectOptions)
  const wanted = backups.find(({ id }) => id === chosen)
  if (wanted === undefined || newest.includes(wanted)) return newest
  return [...newest.slice(0, -1), wanted]
}

function backupOption(backup: BackupView, now: number): PlainTextOption {
  const series = backup.series === backup.strategy ? null : backup.series
  const isOneOfMany = backup.database !== undefined
  const facts = joined(
    isOneOfMany && series,
    formatAge(now - backup.createdAt),
    formatBytes(backup.storedBytes),
    levelText(backup),
    !isOneOfMany && series,
  )
  return { text: plain(facts, limits.option.text), value: backupKey(backup) }
}

/** What tells a strategy's backups apart and fits into an option: the end of the id, without the strategy's name. */
export function backupKey({ id, strategy }: { id: string; strategy: string }): string {
  return id.startsWith(`${strategy}-`) ? id.slice(strategy.length + 1) : id.slice(-limits.option.value)
}

function initial(option: PlainTextOption | undefined): { initial_option?: PlainTextOption } {
  return option === undefined ? {} : { initial_option: option }
}

function targetInputs({ backups, typed, ownName }: RestoreDialog): InputBlock[] {
  const name = backups[0]?.series ?? 'database'
  const words: Record<Target, string> = {
    new: `A new database beside it: ${name}_restore_<time>`,
    named: 'A new or empty database of this name:',
    overwrite: 'Over what is in the database of this name (admins):',
    'in-place': `In place of ${ownName ?? name} itself, which is kept for a while`,
  }
  const options = targets.map((target): PlainTextOption => ({
    text: plain(words[target], limits.option.text),
    value: target,
  }))
  return [
    {
      type: 'input',
      block_id: inputs.target,
      label: plain('Restore into', limits.label),
      element: {
        type: 'radio_buttons',
        action_id: inputs.target,
        options,
        initial_option: options[targets.indexOf(typed?.target ?? 'new')]!,
      },
    },
    textInput(inputs.database, {
      label: 'Database name',
      hint: 'Only for the second and the third choice.',
      value: typed?.database,
      max: longestDatabase,
    }),
    textInput(inputs.typed, {
      label: 'What is overwritten',
      hint: `Only to overwrite or replace: type the name of that database${ownName === null ? '' : ` (in place: ${ownName})`}.`,
      value: typed?.name,
      max: longestDatabase,
    }),
  ]
}

/** PostgreSQL keeps 63 bytes of a name; SQLite's is a file name. */
const longestDatabase = 63

function reasonInput({ typed, isProtected }: RestoreDialog): InputBlock {
  return textInput(inputs.reason, {
    label: 'Reason',
    hint: isProtected
      ? 'Needed to overwrite: this strategy is protected, and somebody else has to approve it.'
      : 'Kept with the request.',
    value: typed?.reason,
    max: 500,
  })
}

function textInput(
  id: string,
  given: { label: string; hint: string; value: string | undefined; max: number },
): InputBlock {
  return {
    type: 'input',
    block_id: id,
    optional: true,
    label: plain(given.label, limits.label),
    hint: plain(given.hint, limits.label),
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length: given.max,
      ...(given.value ? { initial_value: given.value } : {}),
    },
  }
}

/** After submitting: the plan, and where it is to be confirmed. */
export function plannedView(request: RequestView, channel: string, title: string = restoreTitle): ModalView {
  const card = requestCard(request)
  const where =
    request.plan.blockers.length > 0
      ? 'This cannot be done as it stands. Nothing was changed.'
      : `The plan is in <#${safeLine(channel, 40)}>: ${request.state === 'waiting' ? 'somebody else has to approve it' : 'confirm it'} there.`
  const blocks = card.blocks.filter(({ type }) => type !== 'actions')
  return drawnView(title, { text: `${card.text}\n${where}`, blocks: [section(where), ...blocks] })
}

export interface Remembered {
  strategy: string | null
  channel: string | null
  ownName: string | null
  isProtected: boolean
}

const longestName = 255 // of a file

function remember({ strategy, channel, ownName, isProtected }: Remembered): string {
  return JSON.stringify({ strategy, channel, ownName: ownName?.slice(0, longestName) ?? null, isProtected })
}

export function recall(metadata: string): Remembered {
  try {
    const { strategy, channel, ownName, isProtected } = JSON.parse(metadata) as Record<string, unknown>
    return {
      strategy: typeof strategy === 'string' ? strategy : null,
      channel: typeof channel === 'string' ? channel : null,
      ownName: typeof ownName === 'string' ? ownName : null,
      isProtected: isProtected === true,
    }
  } catch {
    return { strategy: null, channel: null, ownName: null, isProtected: false }
  }
}
