import { Type, type Static } from 'typebox'
import { defaults } from '../defaults.ts'
import { flag, group, reading } from './words.ts'

const who = (description: string, example: unknown) =>
  Type.Optional(
    Type.Union(
      [
        Type.Unsafe<'everyone'>({ reads: 'everyone', description: 'Every full member of the workspace' }),
        Type.Array(reading('mention', { description: 'A user (U…) or user group (S…)' }), {
          description: 'Users (U…) and user groups (S…)',
        }),
      ],
      { description, expected: 'everyone, or a list of ids', examples: [example] },
    ),
  )

const accessForm = group(
  {
    view: who('Look at backups, runs and logs; every other role includes it. Absent: everyone', 'everyone'),
    operate: who(
      'Run, cancel, verify, pin, pause. Absent: everyone who may look may run and verify; the rest is for admins of the workspace',
      ['S0123456789'],
    ),
    restore: who('Restore beside, and ask for more; includes `operate`. Absent: admins of the workspace', [
      'S0123456789',
      'U0123456789',
    ]),
    approve: who('Be the second person where one is needed. Absent: admins of the workspace', [
      'S0123456789',
    ]),
    admin: who(
      'Undo, unpin, prune, reload, read the audit log; includes every other role. Absent: admins of the workspace',
      ['U0123456789'],
    ),
    allow_self_approval: flag({
      description: 'Who asked may be the second person too; for teams of one',
      default: defaults.access.allow_self_approval,
      examples: [true],
    }),
    groups: Type.Optional(
      Type.Record(Type.String(), Type.Array(reading('member', { description: 'A user (U…)' })), {
        description:
          'Members by group, for workspaces without user groups: Slack is not asked about a group that stands here',
        expected: 'groups with a list of users each',
        examples: [{ S0123456789: ['U0123456789', 'U0123456780'] }],
      }),
    ),
  },
  {
    description:
      'Who may do what; without it everyone may look, run and verify, and the rest is for admins of the workspace',
  },
)

export const access = Type.Optional(accessForm)

export type AccessFile = Static<typeof accessForm>
