import type { ModalView } from '@slack/types'
import { Fault } from '../core/faults.ts'
import { draw } from './blocks/elements.ts'
import type { Desk } from './desk.ts'
import { failureOf } from './outcomes.ts'
import { tell, tellFault } from './private.ts'
import type { Place } from './private.ts'

interface Showing {
  place: Place
  view: ModalView
}

/** @returns the view's id; null when Slack did not open it, and then the person was told */
export async function openView(
  desk: Desk,
  trigger: string,
  { place, view }: Showing,
): Promise<string | null> {
  try {
    const opened = await desk.client.views.open({ trigger_id: trigger, view })
    return opened.view?.id ?? null
  } catch (error) {
    const cause = failureOf(error, true).detail
    desk.log.warn('slack did not open a dialog', { error: cause })
    await tellFault(
      desk,
      place,
      new Fault('slack-refused', 'Slack did not open the dialog in time', {
        hint: 'try again',
        cause: error,
      }),
    )
    return null
  }
}

/** Replaces what an open dialog shows; when it was closed meanwhile, its words go to the person another way. */
export async function updateView(desk: Desk, viewId: string, { place, view }: Showing): Promise<void> {
  try {
    await desk.client.views.update({ view_id: viewId, view })
  } catch (error) {
    desk.log.debug('a dialog was closed before it was filled', { error: failureOf(error, true).detail })
    const words = view.blocks.flatMap((block) =>
      'text' in block && typeof block.text === 'object' ? [block.text.text] : [],
    )
    if (view.submit === undefined)
      await tell(desk, place, draw({ headline: words[0] ?? ' ', lines: words.slice(1) }))
  }
}
