import type { RestorePlan } from './requests.ts'

/** What is another than when the plan was shown, in words; empty when it is still the same plan.
 * Sizes, sessions and free space move by themselves and bind nobody. */
export function driftOf(shown: RestorePlan, now: RestorePlan): string[] {
  const more = (now.owners ?? []).filter((owner) => !shown.owners?.includes(owner))
  if (more.length > 0) return [`${now.target.name} is backed up by ${more.join(', ')}, too`]
  if (shown.digest === now.digest) return []
  const found = [...backupDrift(shown, now), ...targetDrift(shown, now), ...contentDrift(shown, now)]
  return found.length > 0 ? found : ['the plan is no longer the one that was shown']
}

function backupDrift({ backup: was }: RestorePlan, { backup: is }: RestorePlan): string[] {
  if (was.id !== is.id) return [`the backup is ${is.id} now, and was ${was.id}`]
  const isSame = was.sha256.join() === is.sha256.join()
  return isSame ? [] : [`${was.from ?? was.id} holds other bytes now`]
}

function targetDrift({ target: was }: RestorePlan, { target: is }: RestorePlan): string[] {
  if (was.name !== is.name) return [`the target is ${is.name} now, and was ${was.name}`]
  if (was.mode !== is.mode) return [`${is.name} is another kind of target now (${was.mode} → ${is.mode})`]
  if (!was.exists && is.exists) return [`${is.name} exists now, and did not when the plan was made`]
  if (was.exists && !is.exists) return [`${is.name} is gone`]
  if (was.overwritten !== is.overwritten)
    return [`${is.name} is ${is.overwritten ? 'no longer empty' : 'empty now'}`]
  if (was.fingerprint !== is.fingerprint)
    return [`${is.name} on ${is.endpoint} is another database now than the one that was shown`]
  return []
}

function contentDrift(was: RestorePlan, is: RestorePlan): string[] {
  const sums = ({ clone }: RestorePlan): string => (clone?.sanitize ?? []).map(({ sha256 }) => sha256).join()
  if (sums(was) !== sums(is)) return ['the files that sanitize the copy are no longer what was shown']
  const isSame = (was.tables ?? []).join() === (is.tables ?? []).join() && was.noOwner === is.noOwner
  return isSame ? [] : ['other tables or owners would be restored']
}
