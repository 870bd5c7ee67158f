import { group, reading } from './words.ts'

/** `global.digest`: a summary now and then. */
export const digest = group(
  {
    schedule: reading('schedule', {
      description: 'When it is told, in the zone of `timezone`; `manual`: only when asked',
      examples: ['0 9 * * 1'],
    }),
  },
  {
    description:
      'A summary in one message: what ran, failed, was never restored, grows. Goes to `slack.channels.digest`; absent: none',
    examples: [{ schedule: '0 9 * * 1' }],
  },
)
