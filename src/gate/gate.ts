import type { Actor } from '../core/model.ts'

/** What a command needs. */
export type Role = 'view' | 'operate' | 'restore' | 'approve' | 'admin'

/** What the face knows of the person right now, looked up at the moment of the act. */
export interface Person {
  actor: Actor
  /** Workspace admin or owner; the operating-system user on the host counts as one. */
  admin: boolean
  /** Guest, external, deactivated or bot: refused everything. */
  outsider: string | null
}

export interface Gate {
  /** Allows, or throws Fault `denied` with words for a private answer. The refusal is logged.
   * @param open  the command is open to everyone when no `access` is configured */
  allow(
    person: Person,
    act: { command: string; role: Role; open: boolean; strategy: string | null },
  ): Promise<void>
}
