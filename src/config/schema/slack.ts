import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { choice, count, group, reading } from './words.ts'

const channels = group(
  {
    success: Type.Optional(
      reading('channel', { description: 'Threads of backups', examples: ['C0123456789'] }),
    ),
    failure: Type.Optional(
      reading('channel', {
        description: 'What failed or is overdue, with the mention',
        examples: ['C0123456789'],
      }),
    ),
    approvals: Type.Optional(
      reading('channel', { description: 'Restores that wait for a person', examples: ['C0123456789'] }),
    ),
    digest: Type.Optional(
      reading('channel', {
        description: 'The digest',
        examples: ['C0123456789'],
      }),
    ),
  },
  { description: 'Other channels by what is said; each falls back to `channel_id`' },
)

/** The part of `slack` that a strategy may set for itself. */
export const slackRouting = {
  channel_id: reading('channel', {
    description: 'Channel for everything that is said; an id, never a name',
    examples: ['C0123456789'],
  }),
  channels: Type.Optional(channels),
  mention_on_failure: Type.Optional(
    Type.Array(
      reading('mention', {
        description: 'A user (U…) or user group (S…)',
        examples: ['S0123456789'],
      }),
      {
        description: 'Who is mentioned when a backup fails: users (U…) and user groups (S…)',
        examples: [['S0123456789', 'U0123456789']],
      },
    ),
  ),
}

/** `global.slack`: the connection, and where things are said. */
export const slackConnection = group(
  {
    bot_token: Type.String({
      description: 'Bot token of the Slack app (xoxb-…)',
      secret: true,
      minLength: 1,
      examples: ['${SLACK_BOT_TOKEN}'],
    }),
    app_token: Type.Optional(
      Type.String({
        description:
          'App token for Socket Mode (xapp-…); without it and `signing_secret` there are threads, but no commands',
        secret: true,
        minLength: 1,
        examples: ['${SLACK_APP_TOKEN}'],
      }),
    ),
    ...slackRouting,
    blocks: choice(['basic', 'rich'], {
      description: '`rich` uses the newest blocks of Slack and falls back where they are refused',
      default: defaults.slack.blocks,
      examples: ['rich'],
    }),
    api_url: Type.Optional(
      reading('http-url', {
        description: 'Another server that speaks like Slack, such as the playground',
        default: defaults.slack.api_url,
        examples: ['http://127.0.0.1:4000/api/'],
      }),
    ),
    silence: Type.Optional(
      reading('silence', {
        description:
          'A message stays scheduled in Slack and is put off while the service lives; so long after its last sign Slack posts it. From 5m to 7d, or `off`',
        default: defaults.slack.silence,
        examples: ['1h', 'off'],
      }),
    ),
    signing_secret: Type.Optional(
      Type.String({
        description: 'HTTP mode in place of Socket Mode: Slack calls `/slack/events` on `port`',
        secret: true,
        minLength: 1,
        examples: ['${SLACK_SIGNING_SECRET}'],
      }),
    ),
    port: count({
      description: 'Port of HTTP mode, on `monitoring.bind`; TLS is ended in front of it',
      default: defaults.slack.port,
      minimum: 0,
      maximum: 65_535,
      examples: [3000],
    }),
  },
  { description: 'The Slack app; without it nothing is said in Slack' },
)
