import { Fault } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import type { Gate, Person, Role } from './gate.ts'

interface Act {
  command: string
  role: Role
  open: boolean
  strategy: string | null
}

/** The gate of a configuration without `access`: everyone may view, run and verify; everything else needs a workspace
 * admin or owner; guests, people from outside and bots are refused. The operating-system user on the host counts as admin. */
export function createGate({ log }: { log: Log }): Gate {
  return {
    allow(person, act) {
      const refusal = refuse(person, act)
      if (!refusal) return Promise.resolve()
      const { via, id } = person.actor
      log.warn('refused', {
        via,
        person: id,
        command: act.command,
        strategy: act.strategy,
        why: refusal.message,
      })
      return Promise.reject(refusal)
    },
  }
}

function refuse(person: Person, { command, role, open }: Act): Fault | null {
  if (person.outsider !== null)
    return denied(
      `backups are for full members of this workspace, not for ${person.outsider}`,
      'ask a member of the team',
    )
  if (role === 'view' || open || person.admin) return null
  return denied(
    `\`${command}\` needs an admin or owner of this workspace; you may look, run and verify`,
    'ask an admin or owner to do it',
  )
}

/** Words for an answer that only the asker sees. */
function denied(text: string, hint: string): Fault {
  return new Fault('denied', text, { hint: `${hint}; nothing was changed` })
}
