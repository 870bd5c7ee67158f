/** Which databases of a server: names with `*` and `?`. A name that both lists know is left out. */
export interface DatabaseChoice {
  include: readonly string[]
  exclude: readonly string[]
}

/** Is this one of those that are meant? Capitals count; `*` stands for any characters, also none, `?` for one. */
export function isChosen({ include, exclude }: DatabaseChoice, name: string): boolean {
  const fits = (pattern: string): boolean => globOf(pattern).test(name)
  return include.some(fits) && !exclude.some(fits)
}

function globOf(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[$()+./[\\\]^{|}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'su')
}

/** The series of what belongs to a server and to no database, beside those of its databases.
 * @returns a name that none of them has */
export function globalsName(databases: readonly string[]): string {
  let name = 'globals'
  while (databases.includes(name)) name += ' (server)'
  return name
}
