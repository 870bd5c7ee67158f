import type { Retention } from './config.ts'
import { formatAge } from './duration.ts'

/** A backup of one series in one storage, as retention sees it. */
export interface Candidate {
  id: string
  createdAt: number
  /** Nothing is known against it. */
  good: boolean
  /** Written by another installation: never ours to delete. */
  foreign: boolean
}

export interface Judgement {
  id: string
  keep: boolean
  /** Why, as people read it. */
  reason: string
}

export interface Circumstances {
  now: number
  /** The schedule's interval; null for `manual`, which cannot be late. */
  intervalMs: number | null
  /** The listing of the storage is complete and current. */
  listed: boolean
}

/** Decides which backups of one series in one storage may go. Pure: the same input gives the same answer (promise 5).
 * @returns one judgement per candidate, in the same order */
export function judge(
  candidates: readonly Candidate[],
  policy: Retention | null,
  circumstances: Circumstances,
): Judgement[] {
  const frozen = freezeReason(candidates, policy, circumstances)
  const newestFirst = [...candidates].filter(isOurGood).sort((a, b) => b.createdAt - a.createdAt)
  const floor = new Set(
    newestFirst.slice(0, Math.max(1, policy?.minKeep ?? 1)).map((candidate) => candidate.id),
  )
  return candidates.map((candidate) => judgeOne(candidate))

  function judgeOne(candidate: Candidate): Judgement {
    const keep = (reason: string): Judgement => ({ id: candidate.id, keep: true, reason })
    if (policy === null) return keep('no retention is configured: nothing is deleted')
    if (candidate.foreign) return keep('another installation wrote it')
    if (frozen) return keep(frozen)
    if (candidate.id === newestFirst[0]?.id) return keep('the newest good backup')
    if (floor.has(candidate.id)) return keep(`one of the ${policy.minKeep} newest (min_keep)`)
    const ageMs = circumstances.now - candidate.createdAt
    if (policy.maxAgeMs === null || ageMs <= policy.maxAgeMs) return keep(`younger than ${policy.text}`)
    return { id: candidate.id, keep: false, reason: `older than ${policy.text} (${formatAge(ageMs)})` }
  }
}

/** Nothing is deleted while something is odd: what looks old may be all there is. */
function freezeReason(
  candidates: readonly Candidate[],
  policy: Retention | null,
  circumstances: Circumstances,
): string | null {
  if (policy === null) return null
  if (!circumstances.listed) return 'frozen: the storage could not be listed completely'
  const newestGood = Math.max(...candidates.filter(isOurGood).map((candidate) => candidate.createdAt))
  if (newestGood === -Infinity) return 'frozen: there is no good backup'
  if (newestGood > circumstances.now) return 'frozen: the clock is before the newest backup'
  const { intervalMs } = circumstances
  if (intervalMs !== null && circumstances.now - newestGood > 2 * intervalMs)
    return 'frozen: the newest good backup is older than twice the schedule'
  return null
}

const isOurGood = (candidate: Candidate): boolean => candidate.good && !candidate.foreign
