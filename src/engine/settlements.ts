import type { Delivery } from '../notifiers/notifier.ts'
import type { Due, Settlement } from '../state/messages.ts'

const backoffMs = [2_000, 5_000, 15_000, 30_000, 60_000] // between tries while a notifier does not answer
const unknownDelayMs = 30_000 // until a post whose outcome is unknown is sent again
const longestUnknownMs = 60 * 60_000 // a place that swallows answers gets one more post of a message an hour at most

/** What a delivery's outcome means for the next try. */
export function settlementOf(due: Due, answer: Delivery, now: number): Settlement {
  const { message, delivery } = due
  const same = {
    sentVersion: delivery.sentVersion,
    receipt: delivery.receipt,
    tries: delivery.tries + 1,
    unknowns: delivery.unknowns,
    refused: null,
  }
  const later = now + (answer.retryAfterMs ?? backoffMs[Math.min(delivery.tries, backoffMs.length - 1)]!)
  switch (answer.outcome) {
    case 'sent':
      return {
        sentVersion: message.version,
        receipt: answer.receipt,
        tries: 0,
        unknowns: 0,
        retryAt: 0,
        refused: null,
      }
    case 'later':
      return { ...same, retryAt: later }
    case 'gone': // deleted by somebody: posted again, as a new message
      return { ...same, receipt: null, retryAt: now }
    case 'unknown':
      return unknownSettlement(due, answer, now)
    case 'refused':
      return {
        ...same,
        sentVersion: message.version,
        tries: 0,
        retryAt: 0,
        refused: answer.detail ?? 'refused',
      }
  }
}

/** An edit is simply made again. A post may be there: it is made once more, and then this version counts as told;
 * later versions are posted further and further apart, until one of them is confirmed. */
function unknownSettlement({ message, delivery }: Due, answer: Delivery, now: number): Settlement {
  const { sentVersion, receipt, tries, unknowns } = delivery
  const same = { sentVersion, receipt, tries: tries + 1, unknowns: unknowns + 1, refused: null }
  if (receipt !== null && !answer.once)
    return {
      ...same,
      retryAt: now + (answer.retryAfterMs ?? backoffMs[Math.min(tries, backoffMs.length - 1)]!),
    }
  const waitMs = Math.min(longestUnknownMs, unknownDelayMs * 2 ** unknowns)
  const retryAt = now + (answer.retryAfterMs ?? waitMs)
  if (unknowns === 0) return { ...same, retryAt }
  return { ...same, sentVersion: message.version, retryAt, refused: 'its outcome stayed unknown' }
}
