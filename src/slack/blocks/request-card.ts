import type { Button } from '@slack/types'
import { formatBytes, formatDuration } from '../../core/duration.ts'
import type { AnyRequestView, RequestState, RequestView, RestorePlan } from '../../core/model.ts'
import { levelText } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { retentionCard, unpinCard } from './act-card.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { pruneCard } from './prune-card.ts'
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
import { by, code, contents, joined, safeLine } from './words.ts'

/** A plan with the buttons that decide it; afterwards the record of what was decided. */
export function requestCard(request: AnyRequestView): Drawn {
  switch (request.kind) {
    case 'restore':
      return restoreCard(request)
    case 'prune':
      return pruneCard(request)
    case 'unpin':
      return unpinCard(request)
    case 'retention':
      return retentionCard(request)
  }
}

function restoreCard(request: RequestView): Drawn {
  const { plan } = request
  return draw({
    headline: headline(request),
    lines: [
      failure(request),
      facts(request).join('\n'),
      ...blockers(plan),
      ...plan.warnings.slice(0, 5).map((text) => `Note: ${safeLine(text, 300)}`),
    ],
    small: ending(request, 'bound to this plan: any change voids it'),
    buttons: [...buttons(request), ...reviewButtons(request)],
  })
}

const words = { ask: 'Restore', doing: 'Restoring', done: 'Restored', not: 'Not restored:' }
const cloneWords = { ask: 'Copy', doing: 'Copying', done: 'Copied', not: 'Not copied:' }

function headline(request: RequestView): string {
  const { state, plan, requester, reason } = request
  const strategy = safeLine(plan.backup.strategy)
  const target = safeLine(plan.target.name, 200)
  const where = plan.clone
    ? `into ${safeLine(plan.clone.place)} (${target})`
    : plan.target.mode === 'in-place'
      ? `in place of ${target}`
      : `into ${target}`
  const mark = asks(state) ? '?*' : '*'
  const what = `${opening(request, plan.clone ? cloneWords : words)} ${strategy} ${where}${mark}  asked by ${by(requester)}`
  return joined(what, quotedReason(reason))
}

/** What it will do and needs is for whoever decides; the record keeps what was asked. */
function facts({ plan, createdAt, state }: RequestView): string[] {
  const open = asks(state) || state === 'approved' || state === 'executing'
  return [
    `*Backup*  ${backup(plan, createdAt)}`,
    `*Target*  ${target(plan, state)}`,
    ...(open ? [`*Will do*  ${plan.steps.map((step) => safeLine(step, 120)).join(' → ') || 'unknown'}`] : []),
    ...(open ? loses(plan, createdAt) : []),
    ...(open ? [`*Takes*  ${takes(plan)}`] : []),
    ...(plan.missingRoles.length === 0 ? [] : [`*Roles*  ${roles(plan)}`]),
  ]
}

/** What whoever overwrites gives up; counted from the request. */
function loses({ target, backup }: RestorePlan, askedAt: number): string[] {
  if (!target.overwritten) return []
  const age = formatDuration(Math.max(0, askedAt - backup.createdAt))
  return target.mode === 'in-place'
    ? [`*Loses*  what was written since the backup (about ${age})`]
    : [`*Loses*  what is in ${code(target.name, 200)} now`]
}

/** Its age is counted from the request, so that the words stay the same when the card is drawn again. */
function backup({ backup }: RestorePlan, askedAt: number): string {
  const age = `${formatDuration(Math.max(0, askedAt - backup.createdAt))} old`
  const size = joined(formatBytes(backup.storedBytes), contents(backup.tables, backup.rows))
  return joined(code(backup.id), age, levelText(backup), size)
}

function target({ target, swap }: RestorePlan, state: RequestState): string {
  const place = `${code(target.name, 200)} on ${safeLine(target.endpoint, 200)}`
  const size = target.sizeBytes === null ? 'size unknown' : formatBytes(target.sizeBytes)
  const sessions = target.sessions === null ? 'live sessions unknown' : `${target.sessions} live sessions`
  if (swap && state === 'done') return joined(place, replaced(swap))
  const goes =
    target.mode === 'in-place' ? '*is replaced*, and kept for a while' : '*exists and is overwritten*'
  const there = target.overwritten ? goes : 'exists'
  const what = target.exists ? joined(there, size, sessions) : 'new, nothing is overwritten'
  const newest = swap?.newest ? `newest data ${safeLine(swap.newest, 80)}` : null
  return joined(place, what, newest, target.serverVersion && `server ${safeLine(target.serverVersion, 80)}`)
}

/** The record: how long it is kept was promised with the plan. */
function replaced({ kept, undoMs }: NonNullable<RestorePlan['swap']>): string {
  return `was replaced; the old one is kept as ${code(kept, 200)} for ${formatDuration(undoMs)}`
}

function takes({ expectedMs, neededBytes, freeBytes }: RestorePlan): string {
  const time = expectedMs === null ? 'unknown (first restore)' : `about ${formatDuration(expectedMs)}`
  const needed = neededBytes === null ? 'unknown' : formatBytes(neededBytes)
  const free = freeBytes === null ? 'of an unknown rest' : `of ${formatBytes(freeBytes)} free`
  return joined(time, `*Space*  ${needed} ${free}`)
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

function buttons(request: RequestView): (Button | null)[] {
  const { id, version, state, plan } = request
  const value = { id, version }
  const dismiss = button({ label: 'Cancel', action: actions.dismissRequest, value })
  const isBlocked = plan.blockers.length > 0
  if (state === 'waiting' && !isBlocked)
    return approveButtons(request, sureOf(request, `What is in ${plan.target.name} now is replaced.`))
  if (state !== 'planned' && state !== 'waiting') return []
  if (isBlocked) return [dismiss]
  return [button({ label: 'Confirm', action: actions.confirmRequest, value, style: 'primary' }), dismiss]
}
