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

/** Is this spelled out in `include`? Such a one is expected, whether the server shows it or not. */
export function isNamed({ include, exclude }: DatabaseChoice, name: string): boolean {
  return include.includes(name) && !/[*?]/.test(name) && isChosen({ include, exclude }, name)
}

/** What `include` says in vain.
 * @param there  names of the databases that the server shows and that are chosen */
export function saidInVain(
  { include, exclude }: DatabaseChoice,
  there: readonly string[],
): { databases: string[]; patterns: string[] } {
  const vain = include.filter(
    (pattern) => !there.some((name) => isChosen({ include: [pattern], exclude }, name)),
  )
  const isDatabase = (pattern: string): boolean => isNamed({ include, exclude }, pattern)
  return {
    databases: vain.filter(isDatabase),
    patterns: vain.filter((pattern) => !isDatabase(pattern)),
  }
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
