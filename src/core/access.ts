/** What a command needs. */
export type Role = 'view' | 'operate' | 'restore' | 'approve' | 'admin'
export const roles: readonly Role[] = ['view', 'operate', 'restore', 'approve', 'admin']

/** Who may do what, as `access` of the configuration says it; a strategy's own is already merged over the global one. */
export interface Access {
  /** Slack ids of people (`U…`, `W…`) and user groups (`S…`). A role that is absent is as without `access`. */
  roles: Partial<Record<Role, 'everyone' | readonly string[]>>
  /** For teams of one: the requester may be the second person too. */
  allowSelfApproval: boolean
  /** Members by group id, for workspaces without user groups: then Slack is not asked. */
  groups: Readonly<Record<string, readonly string[]>>
}

/** A role and those that include it: who may restore may run, who may decide may look; an admin may everything. `approve` stands
 * beside the others: who may give a second yes need not be able to ask. */
export const givers: Readonly<Record<Role, readonly Role[]>> = {
  view: ['view', 'operate', 'restore', 'approve', 'admin'],
  operate: ['operate', 'restore', 'admin'],
  restore: ['restore', 'admin'],
  approve: ['approve', 'admin'],
  admin: ['admin'],
}

/** Whom a role is for: ids of people and of groups, and two words. */
export type Holder = 'everyone' | 'workspace-admins' | (string & {})

/** Whom a role is for, every role that includes it counted. What the configuration does not name is as without `access`: everyone may
 * look, and the rest is for admins and owners of the workspace. */
export function holdersOf(access: Access | null, role: Role): Set<Holder> {
  const named = (giver: Role): readonly Holder[] => {
    const written = access?.roles[giver] ?? (giver === 'view' ? 'everyone' : ['workspace-admins'])
    return written === 'everyone' ? ['everyone'] : written
  }
  return new Set(givers[role].flatMap(named))
}

/** A user group of Slack; everything else in a role is a person. */
export function isGroup(id: string): boolean {
  return /^S[A-Z0-9]+$/.test(id)
}

/** The groups whose members only Slack knows. */
export function groupsToAsk(access: Access | null): string[] {
  const ids = Object.values(access?.roles ?? {}).flatMap((named) => (named === 'everyone' ? [] : named))
  return [...new Set(ids)].filter((id) => isGroup(id) && !Object.hasOwn(access!.groups, id))
}
