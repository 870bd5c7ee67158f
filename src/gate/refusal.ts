import type { Access, Holder } from '../core/access.ts'
import { Fault } from '../core/faults.ts'
import type { Act } from './gate.ts'

/** One strategy (null: the service) whose rules do not let this person do it. */
export interface Refused {
  strategy: string | null
  access: Access | null
  /** Whom they would let. */
  holders: ReadonlySet<Holder>
  /** Groups that could not be looked up: the person may be in one. */
  unknown: readonly string[]
}

/** Words for an answer that only the asker sees. People and groups are named by `@` and their id; a face that can mentions them. */
export const refusal = {
  outsider: (kind: string): Fault =>
    denied(
      `backups are for full members of this workspace, not for ${kind}`,
      'ask a member of the team; nothing was changed',
    ),

  notAllowed(act: Act, refused: readonly Refused[]): Fault {
    const first = refused[0]!
    const unknown = [...new Set(refused.flatMap((one) => one.unknown))]
    if (unknown.length > 0) return unanswered(act, unknown)
    if (refused.every(({ access }) => access === null)) return workspaceAdmins(act)
    if ((act.strategies?.length ?? 1) > 1) return several(act, refused)
    const of = first.strategy === null ? '' : ` of ${first.strategy}`
    if (isNobody(first))
      return denied(
        `nobody in Slack may \`${act.command}\`${of}`,
        'it is done on the host; nothing was changed',
      )
    return denied(
      `\`${act.command}\`${of} is for ${spell(first.holders)}`,
      `ask one of them to do it; nothing was changed`,
    )
  },
}

function workspaceAdmins({ command }: Act): Fault {
  return denied(
    `\`${command}\` needs an admin or owner of this workspace; you may look, run and verify`,
    'ask an admin or owner to do it; nothing was changed',
  )
}

/** A no, because a yes is not known (promise 18). */
function unanswered({ command }: Act, groups: readonly string[]): Fault {
  return denied(
    `Slack did not say whether you are one of ${list(groups.map((id) => `@${id}`))}, so \`${command}\` was not done`,
    'try again in a moment; nothing was changed',
  )
}

/** All or nothing: those that are not theirs are named, and what they may do instead. */
function several({ command, strategies = [] }: Act, refused: readonly Refused[]): Fault {
  const names = refused.flatMap(({ strategy }) => (strategy === null ? [] : [strategy]))
  const allowed = strategies.filter((name) => !names.includes(name))
  const same = refused.every(({ holders }) => spell(holders) === spell(refused[0]!.holders))
  const whose = same && !isNobody(refused[0]!) ? `: that is for ${spell(refused[0]!.holders)}` : ''
  const instead = allowed.length === 0 ? '' : `name what you may: \`${command} ${allowed[0]}\`; `
  return denied(`you may not \`${command}\` ${list(names, 'and')}${whose}`, `${instead}nothing was changed`)
}

const isNobody = ({ holders }: Refused): boolean => holders.size === 0

function spell(holders: ReadonlySet<Holder>): string {
  const words = [...holders].map((id) => (id === 'workspace-admins' ? 'admins of this workspace' : `@${id}`))
  return list(words)
}

const mostNamed = 8

function list(words: readonly string[], last: 'or' | 'and' = 'or'): string {
  if (words.length <= 1) return words.join('')
  if (words.length > mostNamed)
    return `${words.slice(0, mostNamed).join(', ')} ${last} ${words.length - mostNamed} more`
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

function denied(text: string, hint: string): Fault {
  return new Fault('denied', text, { hint })
}
