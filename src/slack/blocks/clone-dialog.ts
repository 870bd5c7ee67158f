import type { KnownBlock, ModalView } from '@slack/types'
import { nameToType, type RequestView } from '../../core/model.ts'
import { inputs, views } from '../actions.ts'
import { limits } from '../limits.ts'
import { context } from './elements.ts'
import { drawnView, plain } from './modals.ts'
import { drawFault } from './reply.ts'
import { requestCard } from './request-card.ts'

export const cloneTitle = 'Copy a backup'

export interface CloneDialog {
  strategy: string
  place: string
  /** What the copy would do; it is not filed. */
  request: RequestView
  /** Where the person was, to be answered there. */
  channel: string | null
  /** What was typed before, when the dialog is shown again. */
  typed?: { name: string; reason: string }
  /** Why it could not be filed. */
  problem?: unknown
}

/** The plan, and what has to be said for it. */
export function cloneDialog(dialog: CloneDialog): ModalView {
  const { request, typed, problem } = dialog
  const { plan, needs } = request
  const card = requestCard({ ...request, state: 'requested' })
  const facts = card.blocks.filter(({ type }) => type !== 'actions' && type !== 'context')
  if (plan.blockers.length > 0) return drawnView(cloneTitle, { text: card.text, blocks: facts })
  const name = nameToType(plan)
  return {
    type: 'modal',
    callback_id: views.clone,
    private_metadata: remember(dialog),
    title: plain(cloneTitle, limits.view.title),
    submit: plain('Ask for it', limits.view.button),
    close: plain('Close', limits.view.button),
    blocks: [
      ...(problem === undefined ? [] : drawFault(problem).blocks),
      ...facts,
      ...(needs.typed
        ? [textInput(inputs.typed, { label: `What is overwritten: type ${name}`, value: typed?.name })]
        : []),
      textInput(inputs.reason, {
        label: needs.reason ? 'Reason: somebody else decides by it' : 'Reason',
        value: typed?.reason,
        isOptional: !needs.reason,
      }),
      context('Nothing happens yet: its card is posted, and somebody confirms it there.'),
    ],
  }
}

const longestText = 255 // of a file's name; reasons are shorter than people think

function textInput(
  id: string,
  given: { label: string; value: string | undefined; isOptional?: boolean },
): KnownBlock {
  return {
    type: 'input',
    block_id: id,
    optional: given.isOptional ?? false,
    label: plain(given.label, limits.label),
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length: longestText,
      ...(given.value ? { initial_value: given.value } : {}),
    },
  }
}

export interface RememberedClone {
  strategy: string
  place: string
  backup: string
  /** What has to be typed; null: nothing. */
  name: string | null
  channel: string | null
}

function remember({ strategy, place, request, channel }: CloneDialog): string {
  const name = request.needs.typed ? nameToType(request.plan) : null
  return JSON.stringify({ strategy, place, backup: request.plan.backup.id, name, channel })
}

/** @returns null when the dialog is not one we made */
export function recallClone(metadata: string): RememberedClone | null {
  try {
    const { strategy, place, backup, name, channel } = JSON.parse(metadata) as Record<string, unknown>
    if (typeof strategy !== 'string' || typeof place !== 'string' || typeof backup !== 'string') return null
    const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
    return { strategy, place, backup, name: text(name), channel: text(channel) }
  } catch {
    return null
  }
}
