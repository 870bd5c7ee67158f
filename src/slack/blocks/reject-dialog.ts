import type { ModalView } from '@slack/types'
import { inputs, views } from '../actions.ts'
import { limits } from '../limits.ts'
import { section } from './elements.ts'
import { plain } from './modals.ts'
import { safeLine } from './words.ts'

export const rejectTitle = 'Reject a request'

/** What the dialog remembers of the card it came from. */
export interface Rejecting {
  request: string
  version: number
  channel: string | null
}

/** No wants a reason: whoever asked reads it. */
export function rejectDialog(rejecting: Rejecting): ModalView {
  return {
    type: 'modal',
    callback_id: views.reject,
    private_metadata: JSON.stringify(rejecting),
    title: plain(rejectTitle, limits.view.title),
    submit: plain('Reject', limits.view.button),
    close: plain('Close', limits.view.button),
    blocks: [
      section(`Request ${safeLine(rejecting.request, 40)}: nothing is done, and whoever asked is told why.`),
      {
        type: 'input',
        block_id: inputs.reason,
        label: plain('Reason', limits.label),
        element: { type: 'plain_text_input', action_id: inputs.reason, max_length: 500 },
      },
    ],
  }
}

/** @returns null when it is not one that we made */
export function recallReject(metadata: string): Rejecting | null {
  try {
    const { request, version, channel } = JSON.parse(metadata) as Record<string, unknown>
    if (typeof request !== 'string' || typeof version !== 'number') return null
    return { request, version, channel: typeof channel === 'string' ? channel : null }
  } catch {
    return null
  }
}
