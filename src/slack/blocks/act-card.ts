import { formatDuration } from '../../core/duration.ts'
import type { RetentionRequestView, UnpinRequestView } from '../../core/model.ts'
import { draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import {
  approveButtons,
  asks,
  ending,
  failure,
  opening,
  quotedReason,
  reviewButtons,
  sureOf,
} from './request-parts.ts'
import { by, code, joined, moment, safeLine } from './words.ts'

/** A pin of a protected strategy that is to end. */
export function unpinCard(request: UnpinRequestView): Drawn {
  const { plan, state, requester, reason, createdAt } = request
  const words = { ask: 'Unpin', doing: 'Unpinning', done: 'Unpinned', not: 'Still pinned:' }
  const mark = asks(state) ? '?*' : '*'
  const what = `${opening(request, words)} a backup of ${safeLine(plan.strategy)}${mark}  asked by ${by(requester)}`
  const age = `${formatDuration(Math.max(0, createdAt - plan.createdAt))} old`
  const pinned = joined(
    `pinned by ${by(plan.pin.by)}`,
    quotedReason(plan.pin.note),
    plan.pin.until === null ? 'without end' : `until ${moment(plan.pin.until, 'UTC')}`,
  )
  const then = asks(state) ? ['*Then*  the next prune decides whether it goes'] : []
  return draw({
    headline: joined(what, quotedReason(reason)),
    lines: [
      failure(request),
      [`*Backup*  ${joined(code(plan.backup), age)}`, `*Pin*  ${pinned}`, ...then].join('\n'),
    ],
    small: ending(request, 'bound to this pin: any change voids it'),
    buttons: [
      ...(state === 'waiting'
        ? approveButtons(request, sureOf(request, 'The next prune may delete it.'))
        : []),
      ...reviewButtons(request),
    ],
  })
}

/** A reload would let retention delete more than was agreed to. */
export function retentionCard(request: RetentionRequestView): Drawn {
  const { plan, state, requester } = request
  const words = {
    ask: 'Weaken the retention of',
    doing: 'Weakening the retention of',
    done: 'Weakened the retention of',
    not: 'Not weakened: the retention of',
  }
  const mark = asks(state) ? '?*' : '*'
  const places = plan.places.map(
    ({ storage, was, is }) => `*${safeLine(storage, 80)}*  ${safeLine(was, 200)} → ${safeLine(is, 200)}`,
  )
  const until = state === 'done' ? '' : '*Until then*  nothing of this strategy is deleted'
  return draw({
    headline: `${opening(request, words)} ${safeLine(plan.strategy)}${mark}  loaded by ${by(requester)}`,
    lines: [failure(request), [...places.slice(0, 20), until].filter((line) => line !== '').join('\n')],
    small: ending(request, 'bound to this retention: any change voids it'),
    buttons: [
      ...(state === 'waiting'
        ? approveButtons(request, sureOf(request, 'Old backups may go with the next prune.'))
        : []),
      ...reviewButtons(request),
    ],
  })
}
