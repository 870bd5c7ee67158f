import { holdersOf, roles, type Access } from '../core/access.ts'

/** Whom a change of `access` lets do more than before, in a few words each. What is not known to be fewer people counts as more:
 * who is in a group or admin of the workspace is known only when somebody acts. */
export function weakenedAccess(was: Access | null, is: Access | null): string[] {
  const wider = roles.flatMap((role) => {
    const before = peopleOf(was, role)
    if (before.has('everyone')) return []
    const more = [...peopleOf(is, role)].filter((one) => !before.has(one))
    return more.length === 0 ? [] : [`${role} also for ${more.map(spell).join(', ')}`]
  })
  const alone = is?.allowSelfApproval === true && was?.allowSelfApproval !== true
  return alone ? [...wider, 'who asks may approve alone'] : wider
}

/** Groups whose members stand in the file count as those. */
function peopleOf(access: Access | null, role: (typeof roles)[number]): Set<string> {
  return new Set([...holdersOf(access, role)].flatMap((id) => access?.groups[id] ?? [id]))
}

function spell(holder: string): string {
  return holder === 'workspace-admins' ? 'admins of the workspace' : holder
}
