import { Type, type Static } from 'typebox'

export const mongodbOptions = Type.Object(
  {
    exclude_collections: Type.Optional(
      Type.Array(Type.String({ minLength: 1, pattern: '^[^\\u0000]+$' }), {
        description: 'Leave these collections out, by their whole names.',
        examples: [['sessions']],
      }),
    ),
  },
  { additionalProperties: false },
)

export type Options = Static<typeof mongodbOptions>

/** As arguments of mongodump. */
export function dumpArguments({ exclude_collections: excluded = [] }: Options): string[] {
  return excluded.map((name) => `--excludeCollection=${name}`)
}

/** Then a dump without a single collection may be what was asked for. */
export function isFiltered({ exclude_collections: excluded = [] }: Options): boolean {
  return excluded.length > 0
}
