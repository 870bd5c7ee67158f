import { nearest } from '../core/nearest.ts'

/** What to write instead: the nearest, else all there are. */
export function suggest(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates)
  return near ? `did you mean ${near}?` : `write ${oneOf(candidates)}`
}

/** `a, b or c` */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
