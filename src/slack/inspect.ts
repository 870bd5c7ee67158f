import { WebClient } from '@slack/web-api'
import { plural } from '../commands/phrases.ts'
import { passed, type Check } from '../core/checks.ts'
import type { SlackConnection, SlackRouting, Strategy } from '../core/config.ts'
import type { Log } from '../core/log.ts'
import { adviceFor, appTokenAdvice } from './advice.ts'
import { requestPath } from './http.ts'
import { modeOf } from './reach.ts'
import { quietLogger } from './clients.ts'
import { failureOf } from './outcomes.ts'
import { missingScopes } from './scopes.ts'

/** Where messages go: the channels of the configuration that holds now. */
export type Routings = () => SlackRouting[]

/** Every routing that is used, for `Routings`. */
export function routingsOf(
  global: SlackRouting,
  strategies: readonly Pick<Strategy, 'slack'>[],
): SlackRouting[] {
  return [global, ...strategies.flatMap(({ slack }) => (slack ? [slack] : []))]
}

interface Inspected {
  connection: SlackConnection
  routings: Routings
  /** User groups that `access` names and only Slack knows. */
  groupsToAsk: () => readonly string[]
  client: WebClient
  log: Log
}

/** For doctor: token, scopes, each channel and the app token, without posting anything. */
export async function inspectSlack(
  slack: Inspected,
  signal: AbortSignal,
): Promise<{ checks: Check[]; time: number | null }> {
  const time = timeOf(slack.connection, signal)
  const signedIn = await signIn(slack)
  if ('failed' in signedIn) return { checks: [signedIn.failed], time: await time }
  const { granted } = signedIn
  const groups = slack.groupsToAsk()
  const [channels, socket, members] = await Promise.all([
    checkChannels(slack, granted),
    checkAppToken(slack),
    Promise.all(groups.map((group) => checkGroup(slack, group))),
  ])
  const scopes = checkScopes(granted, groups.length > 0)
  return { checks: [signedIn.passed, ...scopes, ...channels, ...members, ...socket], time: await time }
}

async function signIn({
  client,
}: Inspected): Promise<{ passed: Check; granted: string[] } | { failed: Check }> {
  try {
    const answer = await client.auth.test()
    const granted = answer.response_metadata?.scopes ?? []
    return {
      passed: passed('Slack', `signed in to ${answer.team ?? 'Slack'} as ${answer.user ?? 'the bot'}`),
      granted,
    }
  } catch (error) {
    const { detail } = failureOf(error, true)
    return {
      failed: {
        name: 'Slack',
        state: 'failed',
        text: `sign-in failed: ${detail}`,
        hint: adviceFor(detail) ?? 'look at the network between here and Slack',
      },
    }
  }
}

/** Without Slack's header nothing is known, and nothing is said. */
function checkScopes(granted: readonly string[], groups: boolean): Check[] {
  if (granted.length === 0) return []
  const hint = 'add it under OAuth & Permissions of the app, and install it to the workspace again'
  const missing = missingScopes(granted, { groups }).map(({ scope, needed, without }): Check => ({
    name: 'scopes',
    state: needed ? 'failed' : 'warning',
    text: `${scope} is missing: ${without}`,
    hint,
  }))
  return missing.length === 0 ? [passed('scopes', 'all are there')] : missing
}

/** Whether the bot may post in each channel that is used: one line when all is well. */
export async function checkChannels(
  { client, routings }: Pick<Inspected, 'client' | 'routings'>,
  granted: readonly string[],
): Promise<Check[]> {
  const ids = channelsOf(routings())
  const checks = await Promise.all(ids.map((id) => checkChannel(client, id, granted)))
  const wrong = checks.filter(({ state }) => state !== 'ok')
  const well = checks.filter(({ state }) => state === 'ok').map(({ text }) => text)
  return [
    ...(well.length === 0 ? [] : [passed(well.length === 1 ? 'channel' : 'channels', well.join(', '))]),
    ...wrong,
  ]
}

function channelsOf(routings: readonly SlackRouting[]): string[] {
  const all = routings.flatMap(({ channel, success, failure, approvals, digest = null }) => [
    channel,
    success,
    failure,
    approvals,
    digest,
  ])
  return [...new Set(all.filter((id) => id !== null))]
}

/** Who is in a group that cannot be looked up is refused, one and all. */
async function checkGroup({ client }: Inspected, group: string): Promise<Check> {
  try {
    const { users = [] } = await client.usergroups.users.list({ usergroup: group })
    if (users.length > 0) return passed('group', `${group} has ${plural(users.length, 'member')}`)
    return { name: 'group', state: 'warning', text: `${group} is empty: nobody has its roles`, hint: null }
  } catch (error) {
    const { detail } = failureOf(error, true)
    return {
      name: 'group',
      state: 'failed',
      text: `${group} cannot be looked up: ${detail}; whoever is in it is refused`,
      hint:
        adviceFor(detail) ??
        'check the id under access; without user groups, write the members under access.groups',
    }
  }
}

const isKnownByPeople = /^D/ // a conversation with one person has no members to join

async function checkChannel(client: WebClient, id: string, granted: readonly string[]): Promise<Check> {
  const wrong = (detail: string, text: string): Check => ({
    name: 'channel',
    state: 'failed',
    text: `${id}: ${text}`,
    hint: adviceFor(detail),
  })
  try {
    const { channel } = await client.conversations.info({ channel: id })
    const name = channel?.name === undefined ? id : `#${channel.name}`
    if (channel?.is_archived === true) return wrong('is_archived', `${name} is archived`)
    if (channel?.is_member === true || isKnownByPeople.test(id)) return passed('channel', name)
    if (channel?.is_private !== true && granted.includes('chat:write.public'))
      return passed('channel', `${name} (not a member; public channels need no invitation)`)
    return wrong('not_in_channel', `the bot is not a member of ${name}`)
  } catch (error) {
    const { detail } = failureOf(error, true)
    if (detail === 'missing_scope') return withoutScope(client, id)
    if (detail === 'channel_not_found')
      return wrong(detail, 'there is no such channel, or the bot is not in it')
    return wrong(detail, detail)
  }
}

/** Without channels:read a link to a message that is not there still tells whether the channel is. */
async function withoutScope(client: WebClient, id: string): Promise<Check> {
  const detail = await client.chat.getPermalink({ channel: id, message_ts: '1.000000' }).then(
    () => '',
    (error: unknown) => failureOf(error, true).detail,
  )
  if (detail === 'channel_not_found')
    return {
      name: 'channel',
      state: 'failed',
      text: `${id}: there is no such channel, or the bot is not in it`,
      hint: adviceFor(detail),
    }
  return {
    name: 'channel',
    state: 'warning',
    text: `${id} is there; whether the bot may post in it cannot be checked`,
    hint: 'add the scopes channels:read and groups:read',
  }
}

async function checkAppToken({ connection, log }: Inspected): Promise<Check[]> {
  const { appToken, apiUrl } = connection
  if (modeOf(connection) === 'http')
    return [
      passed('commands', `HTTP mode: Slack calls ${requestPath} on port ${connection.http!.listen.port}`),
    ]
  if (appToken === null)
    return [
      {
        name: 'commands',
        state: 'warning',
        text: 'send-only: threads, but no commands',
        hint: 'set slack.app_token for Socket Mode, or slack.signing_secret for HTTP mode',
      },
    ]
  const client = new WebClient(appToken, {
    slackApiUrl: apiUrl,
    logger: quietLogger(log),
    rejectRateLimitedCalls: true,
    timeout: 5_000,
    retryConfig: { retries: 0 },
  })
  try {
    await client.apps.connections.open({})
    return [passed('commands', 'Socket Mode takes connections')]
  } catch (error) {
    const { detail } = failureOf(error, true)
    if (detail.startsWith('rate limited'))
      return [passed('commands', 'Socket Mode was asked too often to try now')]
    return [
      {
        name: 'commands',
        state: 'failed',
        text: `no connection for commands: ${detail}`,
        hint: appTokenAdvice,
      },
    ]
  }
}

/** Slack's clock, from the header of any answer; it ticks in seconds. */
async function timeOf({ apiUrl }: SlackConnection, signal: AbortSignal): Promise<number | null> {
  try {
    const answer = await fetch(new URL('api.test', apiUrl), { method: 'POST', signal })
    await answer.body?.cancel()
    const at = Date.parse(answer.headers.get('date') ?? '')
    return Number.isNaN(at) ? null : at + 500
  } catch {
    return null
  }
}
