/** A database with believable content, made by the server itself: no file to carry along. */
export interface Sample {
  name: string
  /** Run in order, each on its own. The content is the same at each start, but for its dates, which end today. */
  statements: readonly string[]
}

/** Words with commas between as an SQL array. */
export function texts(words: string): string {
  const values = words.split(',').map((word) => `'${word.trim().replaceAll("'", "''")}'`)
  return `(ARRAY[${values.join(', ')}])`
}

/** One of the list, by a number that is spread as widely as the list is long. */
export function pick(list: string, by: string): string {
  return `${list}[1 + abs(hashtext(${by})) % array_length(${list}, 1)]`
}
