import type { UsersInfoResponse, WebClient } from '@slack/web-api'
import type { Person } from '../commands/command.ts'
import { Fault } from '../core/faults.ts'
import type { Groups } from './groups.ts'

/** Who somebody is right now. Asked at every act, never remembered: people leave, and lose their rights.
 * @throws Fault denied when Slack does not say: then nobody knows whether they may */
export type Identify = (user: string) => Promise<Person>

interface Sources {
  client: WebClient
  groups: Groups
  /** Our workspace's id, once it is known. */
  team: () => string | null
}

export function createIdentity({ client, groups, team }: Sources): Identify {
  return async (user) => {
    const answer = await client.users.info({ user }).catch((cause: unknown) => {
      throw new Fault('denied', 'Slack did not say who you are, so nothing was done', {
        hint: 'try again in a moment',
        cause,
      })
    })
    const found = answer.user
    if (!found) throw new Fault('denied', 'Slack does not know you, so nothing was done')
    return {
      actor: actorOf(user, team() ?? found.team_id),
      admin: found.is_admin === true || found.is_owner === true || found.is_primary_owner === true,
      outsider: outsider(found, team()),
      inGroup: (group, how) => groups.has(group, user, how),
    }
  }
}

function actorOf(id: string, team: string | undefined): Person['actor'] {
  return { via: 'slack', id, ...(team !== undefined && { team }) }
}

/** In the plural: refusals read "not for guests". */
function outsider(user: NonNullable<UsersInfoResponse['user']>, team: string | null): string | null {
  if (user.deleted) return 'deactivated people'
  if (user.is_bot || user.id === 'USLACKBOT') return 'bots'
  if (user.is_restricted || user.is_ultra_restricted) return 'guests'
  return isStranger(user, team) ? 'people from other workspaces' : null
}

/** From another workspace, through a shared channel; on an Enterprise Grid people belong to several. */
function isStranger(user: NonNullable<UsersInfoResponse['user']>, team: string | null): boolean {
  if ('is_stranger' in user && user.is_stranger === true) return true
  if (team === null || user.team_id === undefined || user.team_id === team) return false
  return !(user.enterprise_user?.teams ?? []).includes(team)
}
