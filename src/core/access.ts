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
