import { defaults } from '../defaults.ts'
import { duration, group, percent } from './words.ts'

/** `expect`: when a backup is missing, and when one that succeeded is suspicious all the same. */
export const expect = group(
  {
    max_age: duration({
      description:
        'The newest good backup may be this old before it counts as overdue; by default 1.5 times the schedule, and its usual duration',
      examples: ['26h'],
    }),
    size_change: percent({
      description:
        'A good backup that is smaller or larger than usual by more than this share is suspicious, and people are called; usual is the median of the last ten of the same kind, at least five. A loss of more than nine tenths always counts, however large the share; differences below 1 MB never count. `off`: sizes are not compared',
      default: defaults.expect.size_change,
      examples: ['30%', 'off'],
    }),
    rows_change: percent({
      description:
        'The same for the rows that the proof counted; differences below 500 rows never count. A table that always had rows and has none now is suspicious, too. `off`: rows are not compared',
      default: defaults.expect.rows_change,
      examples: ['30%', 'off'],
    }),
    duration_change: percent({
      description:
        'The same for the time that dump and upload took, when it took longer; less than 10 minutes more never count. `300%` is four times as long. `off`: durations are not compared',
      default: defaults.expect.duration_change,
      examples: ['100%', 'off'],
    }),
  },
  { description: 'What is normal' },
)
