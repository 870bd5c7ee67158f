import { Type } from 'typebox'
import { flag, group, text } from './words.ts'

/** The long form of a schedule, as editors and the reference page show it; core/schedule reads and judges it. */
export const scheduleForm = group(
  {
    every: text({ description: 'A duration', examples: ['1d'] }),
    cron: text({
      description: 'Five fields, or a nickname; in place of `every`',
      examples: ['30 2 * * 1-5'],
    }),
    at: text({ description: 'Time of day; with whole days and weeks', examples: ['02:30'] }),
    on: text({ description: 'Weekday; with whole weeks', examples: ['sunday'] }),
    jitter: text({
      description: 'Each run starts up to so much later, to spread the load',
      examples: ['5m'],
    }),
    catch_up: flag({
      description: 'After a time without the service, run once for what was missed',
      default: true,
      examples: [false],
    }),
  },
  { description: 'A schedule with its details' },
)

/** What an editor may complete: the short form is text. */
export const scheduleSchema = Type.Union([Type.String(), scheduleForm])
