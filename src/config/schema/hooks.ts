import { Type, type Static } from 'typebox'
import { defaults } from '../defaults.ts'
import { duration, group } from './words.ts'

const program = Type.Array(Type.String({ description: 'A word of it' }), {
  minItems: 1,
  description: 'A program and its arguments',
  expected: 'a list with a program and its arguments: there is no shell',
  examples: [['./flush.sh', '--now']],
})

const programs = (description: string, example: string[]) =>
  Type.Optional(
    Type.Array(program, {
      description,
      expected: 'a list of programs, each a list with its arguments: there is no shell',
      examples: [[example]],
    }),
  )

/** `hooks`: a strategy's own replace the global ones whole. */
export const hooks = Type.Optional(
  group(
    {
      before: programs(
        'Run before anything is dumped; one that fails fails the attempt, which `retry` repeats. Once it ended well it is not run again in that run',
        ['./pause-jobs.sh', '--wait'],
      ),
      after: programs('Run once a backup is stored; one that fails is told as a warning of it', [
        './resume-jobs.sh',
      ]),
      on_failure: programs(
        'Run when no backup was made after all attempts, or it was cancelled, or the service was told to stop',
        ['./resume-jobs.sh', '--after-failure'],
      ),
      timeout: duration({
        description:
          'A program that runs for longer is ended, with all that it started, and counts as failed',
        default: defaults.hooks.timeout,
        examples: ['30s'],
      }),
    },
    {
      description:
        'Programs of yours around each backup. They know of it by variables such as `EASY_BACKUP_OUTCOME` (docs/operations.md), run in the folder of the configuration file, and what they say is in the run’s log',
      examples: [{ before: [['./pause-jobs.sh']], after: [['./resume-jobs.sh']] }],
    },
  ),
)

export type HooksFile = NonNullable<Static<typeof hooks>>
