import { nearest } from '../core/nearest.ts'

/** "did you mean `x`?" when something is near, else what there is, else the given words. */
export function suggest(word: string, candidates: readonly string[], otherwise: string): string {
  const near = nearest(word, candidates)
  if (near) return `did you mean \`${near}\`?`
  return otherwise
}
