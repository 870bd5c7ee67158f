import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { group, reading, size } from './words.ts'

/** `global.verify`: stored backups are read again by themselves. */
export const verify = group(
  {
    budget: size({
      description: `So many bytes of stored backups are read again each day in every place, to find what has changed or decayed there; by default ${defaults.verify.budget} where reading is free, ${defaults.verify.costly} where it may cost money (S3, Azure, Google). \`off\`: none`,
      examples: ['50GiB', 'off'],
    }),
    places: Type.Optional(
      Type.Record(Type.String(), reading('size', { description: 'The budget of this place' }), {
        description: 'Other budgets, by the name of the place',
        expected: 'names of places with a size each',
        examples: [{ offsite: '200MiB', nas: 'off' }],
      }),
    ),
  },
  {
    description:
      'Re-reading old backups (level V1), the longest unread first, each at most once a week, spread over the day and one at a time; never while a backup or a restore runs',
    examples: [{ budget: '10GiB' }],
  },
)
