import type { Role } from './access.ts'
import type { RequestKind } from './requests.ts'

/** What is asked for, as far as it decides who must agree. */
export interface Weight {
  kind: RequestKind
  /** Of a restore: whether what is there goes, and whose it is. */
  overwrites: 'nothing' | 'foreign' | 'own'
  /** Of a deletion: more than people expect of one pass. */
  isMass: boolean
  /** The strategy is `protected: true`. */
  isProtected: boolean
}

/** A rung of the ladder: the more a mistake destroys, the more has to be said, and by the more people. */
export interface Rung {
  /** Who may ask for it, and say yes to it where no second person is needed. */
  role: Role
  /** The target's name is typed. */
  typed: boolean
  /** Why is said. */
  reason: boolean
  /** Somebody else with the role `approve` agrees. */
  second: boolean
}

/** Product §6: one click < typed target < typed target, reason and second person. */
export function rungOf({ kind, overwrites, isMass, isProtected }: Weight): Rung {
  if (kind === 'restore') {
    const isOverwriting = overwrites !== 'nothing'
    const isTop = isOverwriting && isProtected
    return {
      role: overwrites === 'foreign' ? 'admin' : 'restore',
      typed: isOverwriting,
      reason: isTop,
      second: isTop,
    }
  }
  const isTop = isProtected && (kind !== 'prune' || isMass)
  return { role: 'admin', typed: false, reason: false, second: isTop }
}
