import type { Role } from '../core/access.ts'
import type { Actor } from '../core/model.ts'

export type { Role } from '../core/access.ts'

/** What the face knows of the person right now, looked up at the moment of the act. */
export interface Person {
  actor: Actor
  /** Workspace admin or owner; the operating-system user on the host counts as one. */
  admin: boolean
  /** Guest, external, deactivated or bot: refused everything. */
  outsider: string | null
  /** Is this person a member of that user group right now? Absent: nobody can be asked, as on the host.
   * @param now  at the moment of an act, never from memory. @throws whatever kept it from being answered: that is a no */
  inGroup?(group: string, how: { now: boolean }): Promise<boolean>
}

export interface Gate {
  /** Allows, or throws Fault `denied` with words for a private answer. The refusal is logged.
   * @param open  the command is open to everyone when no `access` is configured */
  allow(
    person: Person,
    act: { command: string; role: Role; open: boolean; strategy: string | null },
  ): Promise<void>
}
