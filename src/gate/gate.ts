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

/** Something a person is about to do. */
export interface Act {
  command: string
  role: Role
  /** The command is open to everyone who may look when nobody is named for its role. */
  open: boolean
  /** null: about none in particular, then the global `access` counts. */
  strategy: string | null
  /** About several: each has to allow it. In place of `strategy`. */
  strategies?: readonly string[]
  /** Groups are looked up now and not taken from memory. By default for every role but `view`, and not for `may`. */
  now?: boolean
  /** Id of the request, run or backup it is about, for the audit log. */
  subject?: string | null
}

export interface Gate {
  /** Allows, or throws Fault `denied` with words for a private answer: who may. The refusal is logged and kept in the audit log. */
  allow(person: Person, act: Act): Promise<void>
  /** The same without a word to anybody, for buttons and lists; whatever keeps it from being known is a no. */
  may(person: Person, act: Act): Promise<boolean>
}
