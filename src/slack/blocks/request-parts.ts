import type { Button } from '@slack/types'
import type { AnyRequestView, Needs, RequestState } from '../../core/model.ts'
import { isOver } from '../../core/request-states.ts'
import { askedFor } from '../../commands/request-words.ts'
import { actions } from '../actions.ts'
import { button } from './elements.ts'
import type { ButtonSketch } from './elements.ts'
import { by, joined, mention, moment, people, runName, safeLine, sentence, upcoming } from './words.ts'

/** The start of a card's first line, by what became of the request. */
export interface Openings {
  /** "Restore" */
  ask: string
  /** "Restoring" */
  doing: string
  /** "Restored" */
  done: string
  /** "Not restored:" */
  not: string
}

/** Emoji and verb; the bold they open is closed by the card. */
export function opening({ state, brokeGlass, reviewedAt }: AnyRequestView, words: Openings): string {
  const isLoud = brokeGlass && reviewedAt === null
  const sign = isLoud ? '🚨' : signs[state]
  const is = state === 'executing' || state === 'approved' ? words.doing : words.done
  return `${sign} *${asks(state) ? words.ask : isOver(state) && state !== 'done' ? words.not : is}`
}

export function asks(state: RequestState): boolean {
  return state === 'requested' || state === 'planned' || state === 'waiting'
}

const signs: Record<RequestState, string> = {
  requested: '🟡',
  planned: '🟡',
  waiting: '🟡',
  approved: '🔵',
  executing: '🔵',
  done: '✅',
  rejected: '⛔',
  expired: '⚪',
  cancelled: '⚪',
  failed: '❌',
}

/** `"bad migration at 10:40"` */
export function quotedReason(reason: string | null): string | null {
  return reason === null || reason.trim() === '' ? null : `"${safeLine(reason, 300)}"`
}

/** Whom it waits for, as people are called. */
export function whoMay({ whom }: Needs): string {
  if (whom === 'everyone') return 'anybody'
  if (whom === null || whom.length === 0) return 'the admins of this workspace'
  return whom.slice(0, 10).map(mention).join(' or ')
}

/** Where its instants are shown in. */
export const zoneOf = ({ timezone }: AnyRequestView): string => timezone ?? 'UTC'

/** Who decided, when, why, and what came of it; while it is open, what it waits for. */
export function ending(request: AnyRequestView, bound: string): string[] {
  const { state, needs, expiresAt, createdAt } = request
  const glass = glassLine(request)
  if (!asks(state)) return [...glass, record(request)]
  const turn = state === 'waiting' && needs.second && `Needs a second person from ${whoMay(needs)}`
  return [joined(turn, `expires ${upcoming(expiresAt, createdAt, zoneOf(request))}`, bound)]
}

function glassLine(request: AnyRequestView): string[] {
  const { brokeGlass, reviewedBy, reviewedAt } = request
  if (!brokeGlass) return []
  if (reviewedBy === null || reviewedAt === null)
    return ['*Done on the host without the second person it needs.* An admin is asked to review it.']
  return [
    joined(
      `on the host without a second person, reviewed by ${by(reviewedBy)}`,
      moment(reviewedAt, zoneOf(request)),
    ),
  ]
}

function record(request: AnyRequestView): string {
  const { state, decidedBy, decidedAt, decision, expiresAt, fault, needs, brokeGlass } = request
  const yes = needs.second && !brokeGlass ? 'approved' : 'confirmed'
  const who = decidedBy === null ? null : `by ${by(decidedBy)}`
  const when = decidedAt === null ? null : moment(decidedAt, zoneOf(request))
  const why = quotedReason(decision)
  const run = request.run === null ? null : runName({ id: request.run })
  const agreed = joined(who && `${yes} ${who}`, when, why)
  switch (state) {
    case 'approved':
      return joined(agreed, run && `${run} starts as soon as it can`)
    case 'executing':
      return joined(agreed, run)
    case 'done':
      return joined(agreed, 'done', run)
    case 'rejected':
      return joined(`rejected ${who ?? ''}`.trim(), when, why, 'nothing was changed')
    case 'cancelled':
      if (fault === null) return joined(`cancelled ${who ?? ''}`.trim(), when, 'nothing was changed')
      return fault.code === 'stale'
        ? joined(`void: ${safeLine(fault.text)}`, when, 'nothing was changed')
        : joined(agreed, `stopped ${people(safeLine(fault.hint ?? ''))}`.trim(), run)
    case 'expired':
      return fault === null
        ? `expired ${moment(expiresAt, zoneOf(request))}: nobody decided in time · nothing was changed`
        : joined(agreed, safeLine(fault.text))
    default:
      return joined(agreed, run)
  }
}

/** What went wrong: a line of its own, not small print. */
export function failure({ state, fault }: AnyRequestView): string {
  if (state !== 'failed') return ''
  if (!fault) return 'Failed.'
  const hint = fault.hint === null ? null : safeLine(fault.hint, 400)
  return [`*${safeLine(fault.text).replaceAll('*', '')}* (${fault.code})`, hint && sentence(hint)]
    .filter(Boolean)
    .join('\n')
}

type Sure = NonNullable<ButtonSketch['sure']>

/** For the second person: yes is asked once more, no wants a reason. */
export function approveButtons(request: AnyRequestView, sure: Sure): (Button | null)[] {
  const { id, version } = request
  const value = { id, version }
  return [
    button({ label: 'Approve…', action: actions.approveRequest, value, style: 'danger', sure }),
    button({ label: 'Reject…', action: actions.rejectRequest, value }),
    button({ label: 'Cancel', action: actions.dismissRequest, value }),
  ]
}

/** An admin says that they looked. */
export function reviewButtons({ id, brokeGlass, reviewedAt }: AnyRequestView): (Button | null)[] {
  if (!brokeGlass || reviewedAt !== null) return []
  return [button({ label: 'Reviewed', action: actions.reviewRequest, value: { id } })]
}

export function sureOf(request: AnyRequestView, text: string): Sure {
  return {
    title: 'Are you the second person?',
    text: `${askedFor(request)}. ${text}`,
    yes: 'Approve',
    no: 'Not now',
  }
}
