import type { Button } from '@slack/types'
import { formatBytes, formatCount, formatDuration } from '../../core/duration.ts'
import type { PruneRequestView, RequestState } from '../../core/model.ts'
import { plural } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { by, code, joined, moment, runName, safeLine, upcoming } from './words.ts'

/** What retention would delete, with its two buttons; afterwards the record of what was decided. */
export function pruneCard(request: PruneRequestView): Drawn {
  const { plan, state } = request
  const open = state === 'waiting' || state === 'executing'
  return draw({
    headline: headline(request),
    lines: [
      [
        `*Why*  ${plan.summary.map((line) => safeLine(line, 200)).join(', ') || 'retention lets them go'}`,
        `*Frees*  ${formatBytes(plan.storedBytes)}, ${formatCount(plan.total - plan.count)} stay`,
      ].join('\n'),
      open ? list(request) : '',
    ],
    small: [ending(request)],
    buttons: buttons(request),
  })
}

const asking: Record<RequestState, string> = {
  waiting: '🟡 *Delete',
  executing: '🔵 *Deleting',
  done: '✅ *Deleted:',
  cancelled: '⚪ *Kept:',
  expired: '⚪ *Kept:',
  failed: '❌ *Not all deleted:',
}

function headline({ plan, state, requester }: PruneRequestView): string {
  return `${asking[state]} ${pruneFact(plan)}${state === 'waiting' ? '?' : ''}*  asked by ${by(requester)}`
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

function ending(request: PruneRequestView): string {
  const who = request.decidedBy === null ? null : `by ${by(request.decidedBy)}`
  const when = request.decidedAt === null ? null : moment(request.decidedAt, 'UTC')
  const run = request.run === null ? null : runName({ id: request.run })
  switch (request.state) {
    case 'waiting':
      return `expires ${upcoming(request.expiresAt, request.createdAt, 'UTC')} · exactly these, and only those that retention still lets go then`
    case 'executing':
    case 'done':
      return joined(`confirmed ${who ?? ''}`.trim(), when, run)
    case 'cancelled':
      return request.decidedBy?.via === 'service'
        ? joined('no longer asked: so many are not due any more', when, 'nothing was deleted')
        : joined(`kept ${who ?? ''}`.trim(), when, 'nothing was deleted')
    case 'expired':
      return `expired ${moment(request.expiresAt, 'UTC')}: nobody decided in time · nothing was deleted`
    case 'failed':
      return joined(failure(request), who && `confirmed ${who}`, when, run)
  }
}

function failure({ fault }: PruneRequestView): string {
  return fault === null ? 'failed' : `${safeLine(fault.text)} (${fault.code})`
}

function buttons({ id, version, state, plan }: PruneRequestView): (Button | null)[] {
  if (state !== 'waiting') return []
  const value = { id, version }
  const sure = {
    title: `Delete ${plural(plan.count, 'backup')}?`,
    text: `They cannot be brought back. ${formatCount(plan.total - plan.count)} stay in ${plan.storage}.`,
    yes: 'Delete them',
    no: 'Not now',
  }
  return [
    button({ label: 'Delete', action: actions.confirmRequest, value, style: 'danger', sure }),
    button({ label: 'Keep', action: actions.dismissRequest, value }),
  ]
}
