import type { AnyRequestView, RequestState } from '../../core/model.ts'
import { askedFor, standing } from '../../commands/request-words.ts'
import { limits } from '../limits.ts'
import { draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { quotedReason, reviewButtons, whoMay, zoneOf } from './request-parts.ts'
import { by, code, joined, safeLine, upcoming } from './words.ts'

/** In the thread of the card: whoever may decide is called once more. */
export function requestPing(request: AnyRequestView, over: boolean): Drawn {
  if (over) return draw({ headline: `⚪ Nobody is needed any more: ${standing[request.state]}` })
  const until = upcoming(request.expiresAt, request.createdAt, zoneOf(request))
  return draw({ headline: `🟡 ${whoMay(request.needs)}: this still waits for one of you, until ${until}` })
}

/** In the thread of the card: it was done without the second person. */
export function requestGlass(request: AnyRequestView): Drawn {
  const { decidedBy, decision, reason, reviewedBy } = request
  const who = decidedBy ? by(decidedBy) : 'Somebody'
  if (reviewedBy) return draw({ headline: `✅ Reviewed by ${by(reviewedBy)}` })
  return draw({
    headline: joined(
      `🚨 ${whoMay(request.needs)}: ${who} did this on the host, without a second person`,
      quotedReason(decision ?? reason) ?? 'no reason was given',
    ),
    lines: [`Look at it, then an admin says so: ${safeLine(askedFor(request), 300)}.`],
    buttons: reviewButtons(request),
  })
}

/** To the person who asked, alone.
 * @param channel where the card is */
export function requestTold(request: AnyRequestView, channel: string): Drawn {
  const { state, decidedBy, decision, fault, id } = request
  const who = decidedBy && told[state].byWhom ? ` by ${by(decidedBy)}` : ''
  const why = fault ? safeLine(fault.text, limits.foreignText / 2) : quotedReason(decision)
  return draw({
    headline: joined(`${told[state].sign} Your request was ${told[state].words}${who}`, why),
    lines: [`${code(safeLine(askedFor(request), 300))}`],
    small: [joined(`request ${safeLine(id, 40)}`, `its card is in <#${safeLine(channel, 40)}>`)],
  })
}

const told: Record<RequestState, { sign: string; words: string; byWhom?: true }> = {
  requested: { sign: '🟡', words: 'filed' },
  planned: { sign: '🟡', words: 'planned' },
  waiting: { sign: '🟡', words: 'filed' },
  approved: { sign: '🔵', words: 'approved', byWhom: true },
  executing: { sign: '🔵', words: 'started' },
  done: { sign: '✅', words: 'carried out' },
  rejected: { sign: '⛔', words: 'rejected', byWhom: true },
  expired: { sign: '⚪', words: 'not answered in time' },
  cancelled: { sign: '⚪', words: 'cancelled' },
  failed: { sign: '❌', words: 'not carried out' },
}
