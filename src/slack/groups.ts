import type { WebClient } from '@slack/web-api'
import type { Clock } from '../core/clock.ts'

/** Who is in which user group. */
export interface Groups {
  /** @param how.now  Slack is asked after this call, whatever is remembered. @throws what kept Slack from answering */
  has(group: string, user: string, how: { now: boolean }): Promise<boolean>
  /** Somebody changed it in Slack. @param group  absent: any */
  forget(group?: string): void
}

const rememberedMs = 60_000 // for lists and buttons; an act asks anew

/** Slack takes 20 look-ups a minute: those that wait for the same group share the next one, which is as new as one of their own. */
export function createGroups(client: WebClient, clock: Clock): Groups {
  const remembered = new Map<string, { members: ReadonlySet<string>; at: number }>()
  const asking = new Map<string, Promise<ReadonlySet<string>>>()
  const waiting = new Map<string, Promise<ReadonlySet<string>>>()
  let changes = 0

  async function ask(group: string): Promise<ReadonlySet<string>> {
    remembered.delete(group) // what fails is not answered from before
    const [at, before] = [clock.monotonic(), changes]
    const answer = await client.usergroups.users.list({ usergroup: group })
    const members = new Set(answer.users ?? [])
    if (changes === before) remembered.set(group, { members, at })
    return members
  }

  function start(group: string): Promise<ReadonlySet<string>> {
    const answer = ask(group).finally(() => asking.delete(group))
    asking.set(group, answer)
    return answer
  }

  /** The answer on its way may be older than this question: the next one is not. */
  function fresh(group: string): Promise<ReadonlySet<string>> {
    const current = asking.get(group)
    if (current === undefined) return start(group)
    const next =
      waiting.get(group) ??
      current
        .catch(() => undefined)
        .then(() => {
          waiting.delete(group)
          return start(group)
        })
    waiting.set(group, next)
    return next
  }

  return {
    async has(group, user, { now }) {
      const known = remembered.get(group)
      const isNew = known !== undefined && clock.monotonic() - known.at < rememberedMs
      if (now) return (await fresh(group)).has(user)
      const members = isNew ? known.members : await (asking.get(group) ?? start(group))
      return members.has(user)
    },
    forget(group) {
      changes += 1 // what is on its way may be from before
      if (group === undefined) remembered.clear()
      else remembered.delete(group)
    },
  }
}
