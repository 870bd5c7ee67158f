import { Type, type Static } from 'typebox'
import { group, reading } from './words.ts'

const globs = (description: string, example: string[]) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description,
      expected: 'a list of names, in which * and ? stand for other characters',
      examples: [example],
    }),
  )

const choice = group(
  {
    include: globs('Only these; `*` stands for any characters, `?` for one. Default: all', ['client_*']),
    exclude: globs('Never these, also when `include` names them', ['*_scratch']),
  },
  { description: 'Those that match' },
)

/** Which databases of the server a strategy is about. */
export const databases = Type.Optional(
  Type.Union([reading('all-databases', { description: 'Every database of the server' }), choice], {
    description:
      'Every database of the server in place of the one in the URL, each with backups, retention and restores of its own; new ones are picked up, and roles and tablespaces are kept beside them. The database of the URL is then only where the list is read',
    expected: 'all, or a group with include and exclude',
    examples: ['all', { exclude: ['*_scratch'] }],
  }),
)

export type DatabasesFile = Static<typeof databases>
