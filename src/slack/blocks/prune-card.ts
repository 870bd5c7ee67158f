import type { Button } from '@slack/types'
import { formatBytes, formatCount, formatDuration } from '../../core/duration.ts'
import type { PruneRequestView } from '../../core/model.ts'
import { plural } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import {
  approveButtons,
  asks,
  ending,
  failure,
  opening,
  quotedReason,
  reviewButtons,
  zoneOf,
} from './request-parts.ts'
import { by, code, joined, moment, safeLine } from './words.ts'

/** What retention would delete, with its two buttons; afterwards the record of what was decided. */
export function pruneCard(request: PruneRequestView): Drawn {
  const { plan, state } = request
  const open = asks(state) || state === 'approved' || state === 'executing'
  return draw({
    headline: headline(request),
    lines: [
      failure(request),
      [
        `*Why*  ${plan.summary.map((line) => safeLine(line, 200)).join(', ') || 'retention lets them go'}`,
        `*Frees*  ${formatBytes(plan.storedBytes)}, ${formatCount(plan.total - plan.count)} stay`,
      ].join('\n'),
      open ? list(request) : '',
    ],
    small: smallPrint(request),
    buttons: [...buttons(request), ...reviewButtons(request)],
  })
}

const words = { ask: 'Delete', doing: 'Deleting', done: 'Deleted:', not: 'Kept:' }

function headline(request: PruneRequestView): string {
  const { plan, state, requester } = request
  const what = state === 'failed' ? '❌ *Not all deleted:' : opening(request, words)
  return `${what} ${pruneFact(plan)}${asks(state) ? '?' : ''}*  asked by ${by(requester)}`
}

/** "12 of 40 backups of shop in nas" */
export function pruneFact({ count, total, strategy, series, storage }: PruneRequestView['plan']): string {
  const whose = series === strategy ? strategy : `${strategy} (${series})`
  return `${formatCount(count)} of ${plural(total, 'backup')} of ${safeLine(whose, 150)} in ${safeLine(storage, 80)}`
}

const mostListed = 10

/** Ages are counted from the question, so that the words stay the same when the card is drawn again. */
function list({ plan, createdAt }: PruneRequestView): string {
  const lines = plan.deletions.slice(0, mostListed).map((one) => {
    const age = `${formatDuration(Math.max(0, createdAt - one.createdAt))} old`
    return joined(code(one.id), age, safeLine(one.reason, 150))
  })
  const more = plan.count - lines.length
  return [...lines, ...(more > 0 ? [`and ${formatCount(more)} more`] : [])].join('\n')
}

function smallPrint(request: PruneRequestView): string[] {
  const { state, decidedBy, decidedAt, decision } = request
  const when = decidedAt === null ? null : moment(decidedAt, zoneOf(request))
  if (state === 'cancelled' && decidedBy?.via === 'service')
    return [joined('no longer asked: so many are not due any more', when, 'nothing was deleted')]
  if (state === 'rejected' && decidedBy)
    return [joined(`kept by ${by(decidedBy)}`, when, quotedReason(decision), 'nothing was deleted')]
  if (state === 'expired' && request.fault === null)
    return [
      `expired ${moment(request.expiresAt, zoneOf(request))}: nobody decided in time · nothing was deleted`,
    ]
  return ending(request, 'exactly these, and only those that retention still lets go then')
}

function buttons(request: PruneRequestView): (Button | null)[] {
  const { id, version, state, plan, needs } = request
  if (state !== 'waiting') return []
  const value = { id, version }
  const sure = {
    title: `Delete ${plural(plan.count, 'backup')}?`,
    text: `They cannot be brought back. ${formatCount(plan.total - plan.count)} stay in ${plan.storage}.`,
    yes: 'Delete them',
    no: 'Not now',
  }
  if (needs.second) return approveButtons(request, sure)
  return [
    button({ label: 'Delete', action: actions.confirmRequest, value, style: 'danger', sure }),
    button({ label: 'Keep', action: actions.dismissRequest, value }),
  ]
}
