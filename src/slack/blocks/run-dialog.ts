import type { KnownBlock, ModalView, PlainTextOption } from '@slack/types'
import { runInputs, views } from '../actions.ts'
import { groupsOf, limits } from '../limits.ts'
import { draw, section } from './elements.ts'
import { drawnView, plain } from './modals.ts'
import { drawFault } from './reply.ts'

export const runTitle = 'Run a backup'

export interface RunDialog {
  /** Those that this person may back up. */
  strategies: string[]
  /** When the dialog is shown again. */
  typed?: { strategy: string; note: string }
  /** Why nothing was started. */
  problem?: unknown
}

/** Which database, and whether to keep its backup. */
export function runDialog({ strategies, typed, problem }: RunDialog): ModalView {
  if (strategies.length === 0)
    return drawnView(
      runTitle,
      draw({
        headline: 'ℹ️ There is no strategy that you may back up.',
        lines: ['Ask an admin of this workspace.'],
      }),
    )
  const note: KnownBlock = {
    type: 'input',
    block_id: runInputs.note,
    optional: true,
    label: plain('Keep it', limits.label),
    hint: plain('With a note it is pinned: retention leaves it until somebody unpins it.', limits.label),
    element: {
      type: 'plain_text_input',
      action_id: runInputs.note,
      max_length: longestNote,
      placeholder: plain('such as: before release 2.14', limits.placeholder),
      ...(typed?.note ? { initial_value: typed.note } : {}),
    },
  }
  return {
    type: 'modal',
    callback_id: views.run,
    title: plain(runTitle, limits.view.title),
    submit: plain('Back up now', limits.view.button),
    close: plain('Close', limits.view.button),
    blocks: [
      ...(problem === undefined ? [] : drawFault(problem).blocks),
      section('It starts at once; its thread tells how it goes.'),
      choice(strategies, typed?.strategy),
      note,
    ],
  }
}

/** As the command takes it. */
const longestNote = 200

function choice(strategies: string[], chosen: string | undefined): KnownBlock {
  const groups = groupsOf(strategies.map(option), limits.selectOptions).slice(0, limits.selectGroups)
  const only = groups.length === 1 ? groups[0]! : null
  const initial = strategies.length === 1 ? strategies[0] : chosen
  return {
    type: 'input',
    block_id: runInputs.strategy,
    label: plain('Strategy', limits.label),
    element: {
      type: 'static_select',
      action_id: runInputs.strategy,
      placeholder: plain('Choose a strategy', limits.placeholder),
      ...(only !== null
        ? { options: only }
        : {
            option_groups: groups.map((options) => ({
              label: plain(`${short(options[0])} – ${short(options.at(-1))}`, limits.option.text),
              options,
            })),
          }),
      ...(initial === undefined ? {} : { initial_option: option(initial) }),
    },
  }
}

const short = (one: PlainTextOption | undefined): string => (one?.value ?? '').slice(0, 30)

function option(name: string): PlainTextOption {
  return { text: plain(name, limits.option.text), value: name }
}
