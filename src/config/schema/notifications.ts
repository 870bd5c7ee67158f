import { Type } from 'typebox'
import { topics } from '../../core/notifications.ts'
import { group } from './words.ts'

const words = ['both', ...topics] as const
type Word = (typeof words)[number]

const word = Type.Unsafe<Word>({ type: 'string', enum: [...words], examples: ['failure'] })

const names = (what: string, example: string) =>
  Type.Optional(
    Type.Array(Type.String({ reads: 'name' }), { minItems: 1, description: what, examples: [[example]] }),
  )

const notification = group(
  {
    type: Type.String({ description: 'Kind: see below for the keys of each', examples: ['email'] }),
    name: Type.Optional(
      Type.String({
        reads: 'name',
        description: 'What it is called; by default as its type. Needed when there are several of a type',
        examples: ['on-call'],
      }),
    ),
    on: Type.Optional(
      Type.Union([word, Type.Array(word, { minItems: 1 })], {
        description:
          'What is told: `success`, `failure`, `both` (the two), `overdue`, `recovered`, `restore`, `drill`; of a heartbeat `start`, `success`, `failure`, `drill` or `beat`. What is told by default is said with each type',
        expected: 'a list such as [failure, recovered]',
        examples: [['failure', 'overdue', 'recovered']],
      }),
    ),
    strategies: names(
      'Only of these strategies; by default of all, and what concerns the whole service',
      'production-db',
    ),
    tags: names('Only of strategies with one of these tags', 'client-a'),
    config: Type.Optional(Type.Object({}, { description: 'The keys of its type, see below' })),
  },
  { description: 'Somebody who is told beside Slack' },
)

export const notifications = Type.Optional(
  Type.Array(notification, {
    description: 'Who is told beside Slack: mail, webhooks, heartbeats, Discord, PagerDuty',
    expected: 'a list',
    examples: [
      [
        {
          type: 'email',
          on: ['failure', 'recovered'],
          config: { smtp_host: 'smtp.example.com', from: 'backups@example.com', to: 'ops@example.com' },
        },
      ],
    ],
  }),
)

export { notification }
