import type { Button } from '@slack/types'
import { formatBytes, formatDuration } from '../../core/duration.ts'
import type { AnyRequestView, RequestState, RequestView, RestorePlan } from '../../core/model.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { levelWords } from '../../commands/phrases.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { pruneCard } from './prune-card.ts'
import { by, code, contents, joined, moment, runName, safeLine, upcoming } from './words.ts'

/** A plan with its two buttons; afterwards the record of what was decided. */
export function requestCard(request: AnyRequestView): Drawn {
  return request.kind === 'prune' ? pruneCard(request) : restoreCard(request)
}

function restoreCard(request: RequestView): Drawn {
  const { plan } = request
  return draw({
    headline: headline(request),
    lines: [
      facts(request).join('\n'),
      ...blockers(plan),
      ...plan.warnings.slice(0, 5).map((text) => `Note: ${safeLine(text, 300)}`),
    ],
    small: [ending(request)],
    buttons: buttons(request),
  })
}

const asking: Record<RequestState, string> = {
  waiting: '🟡 *Restore',
  executing: '🔵 *Restoring',
  done: '✅ *Restored',
  cancelled: '⚪ *Not restored:',
  expired: '⚪ *Not restored:',
  failed: '❌ *Not restored:',
}

function headline({ state, plan, requester, reason }: RequestView): string {
  const strategy = safeLine(plan.backup.strategy)
  const target = safeLine(plan.target.name, 200)
  const mark = state === 'waiting' ? '?*' : '*'
  const why = reason === null || reason.trim() === '' ? null : `"${safeLine(reason, 300)}"`
  return joined(`${asking[state]} ${strategy} into ${target}${mark}  asked by ${by(requester)}`, why)
}

/** What it will do and needs is for whoever decides; the record keeps what was asked. */
function facts({ plan, createdAt, state }: RequestView): string[] {
  const open = state === 'waiting' || state === 'executing'
  return [
    `*Backup*  ${backup(plan, createdAt)}`,
    `*Target*  ${target(plan)}`,
    ...(open ? [`*Will do*  ${plan.steps.map((step) => safeLine(step, 120)).join(' → ') || 'unknown'}`] : []),
    ...(open ? [`*Needs*  ${needs(plan)}`] : []),
    ...(plan.missingRoles.length === 0 ? [] : [`*Roles*  ${roles(plan)}`]),
  ]
}

/** Its age is counted from the request, so that the words stay the same when the card is drawn again. */
function backup({ backup }: RestorePlan, askedAt: number): string {
  const age = `${formatDuration(Math.max(0, askedAt - backup.createdAt))} old`
  const size = joined(formatBytes(backup.storedBytes), contents(backup.tables, backup.rows))
  return joined(code(backup.id), age, levelWords[backup.level], size)
}

function target({ target }: RestorePlan): string {
  const place = `${code(target.name, 200)} on ${safeLine(target.endpoint, 200)}`
  const size = target.sizeBytes === null ? 'size unknown' : formatBytes(target.sizeBytes)
  const sessions = target.sessions === null ? 'live sessions unknown' : `${target.sessions} live sessions`
  const there = target.overwritten ? '*exists and is overwritten*' : 'exists'
  const what = target.exists ? joined(there, size, sessions) : 'new, nothing is overwritten'
  return joined(place, what, target.serverVersion && `server ${safeLine(target.serverVersion, 80)}`)
}

function needs({ expectedMs, neededBytes, freeBytes }: RestorePlan): string {
  const time = expectedMs === null ? 'time unknown' : `about ${formatDuration(expectedMs)}`
  const free = freeBytes === null ? 'free space unknown' : `${formatBytes(freeBytes)} free`
  const room = neededBytes === null ? `room unknown, ${free}` : `${formatBytes(neededBytes)} here, ${free}`
  return joined(time, room)
}

function roles({ missingRoles, noOwner }: RestorePlan): string {
  const shown = missingRoles
    .slice(0, 10)
    .map((role) => code(role, 63))
    .join(', ')
  const more = missingRoles.length > 10 ? ` and ${missingRoles.length - 10} more` : ''
  return `${shown}${more} missing on the target${noOwner ? ': restored without owners and grants' : ''}`
}

function blockers(plan: RestorePlan): string[] {
  return plan.blockers
    .slice(0, 5)
    .map((text) => `*Cannot be done:* ${safeLine(text, limits.foreignText / 2)}`)
}

function ending(request: RequestView): string {
  const decided = request.decidedBy === null ? null : `by ${by(request.decidedBy)}`
  const when = request.decidedAt === null ? null : moment(request.decidedAt, 'UTC')
  switch (request.state) {
    case 'waiting':
      return `expires ${upcoming(request.expiresAt, request.createdAt, 'UTC')} · bound to this plan: any change voids it`
    case 'executing':
      return joined(`confirmed ${decided ?? ''}`.trim(), when, run(request))
    case 'done':
      return joined(`confirmed ${decided ?? ''}`.trim(), when, 'done', run(request))
    case 'cancelled':
      return joined(`cancelled ${decided ?? ''}`.trim(), when, 'nothing was changed')
    case 'expired':
      return `expired ${moment(request.expiresAt, 'UTC')}: nobody confirmed in time · nothing was changed`
    case 'failed':
      return joined(failure(request), decided && `confirmed ${decided}`, when, run(request))
  }
}

function failure({ fault }: RequestView): string {
  if (!fault) return 'failed'
  return `${safeLine(fault.text)} (${fault.code})${fault.hint === null ? '' : ` · ${safeLine(fault.hint, 400)}`}`
}

function run(request: RequestView): string | null {
  return request.run === null ? null : runName({ id: request.run })
}

function buttons({ id, version, state, plan }: RequestView): (Button | null)[] {
  if (state !== 'waiting') return []
  const value = { id, version }
  const dismiss = button({ label: 'Cancel', action: actions.dismissRequest, value })
  if (plan.blockers.length > 0) return [dismiss]
  return [button({ label: 'Confirm', action: actions.confirmRequest, value, style: 'primary' }), dismiss]
}
