import type { AnyRequestView, RequestState } from '../core/model.ts'
import { plural } from './phrases.ts'

/** What is asked for, as half a sentence: "restore shop-2026… into myapp". */
export function askedFor(request: AnyRequestView): string {
  switch (request.kind) {
    case 'restore': {
      const { backup, target, clone } = request.plan
      if (clone) return `copy ${backup.id} into ${clone.place} (${target.name})`
      const where = target.mode === 'in-place' ? `in place of ${target.name}` : `into ${target.name}`
      return `restore ${backup.id} ${where}`
    }
    case 'prune': {
      const { count, strategy, storage } = request.plan
      return `delete ${plural(count, 'backup')} of ${strategy} in ${storage}`
    }
    case 'unpin':
      return `unpin ${request.plan.backup}`
    case 'retention':
      return `weaken the retention of ${request.plan.strategy}: ${weaker(request.plan.places)}`
  }
}

export function weaker(places: readonly { storage: string; was: string; is: string }[]): string {
  return places.map(({ storage, was, is }) => `${was} → ${is} in ${storage}`).join(', ')
}

/** Whose turn it is. */
export const standing: Record<RequestState, string> = {
  requested: 'is being planned',
  planned: 'waits for whoever asked',
  waiting: 'waits for a decision',
  approved: 'approved, starts soon',
  executing: 'under way',
  done: 'done',
  rejected: 'rejected',
  expired: 'expired',
  cancelled: 'cancelled',
  failed: 'failed',
}

/** One line: what, where it stands, who decided. */
export function summaryOf(request: AnyRequestView): string {
  const { state, decidedBy, decision, fault, needs } = request
  const turn = state === 'waiting' && needs.second ? 'waits for a second person' : standing[state]
  const who = decidedBy && state !== 'waiting' ? ` by ${decidedBy.id}` : ''
  const why = fault ? `: ${fault.text}` : decision ? `: ${decision}` : ''
  return `${askedFor(request)} · ${turn}${who}${why}`
}
