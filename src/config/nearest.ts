const longestCompared = 64 // longer words are no typing mistake, and the distance costs their product

/** The candidate that a person most likely meant: equal but for case, or at most a third of its letters away. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const typed = word.slice(0, longestCompared).toLowerCase()
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      steps: distance(typed, candidate.slice(0, longestCompared).toLowerCase()),
    }))
    .filter(({ candidate, steps }) => steps <= farthest(candidate.length))
    .sort((a, b) => a.steps - b.steps)
  return ranked[0]?.candidate ?? null
}

function farthest(length: number): number {
  return length < 3 ? 0 : Math.max(1, Math.floor(length / 3))
}

/** What to write instead: the nearest, else all there are. */
export function suggest(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates)
  return near ? `did you mean ${near}?` : `write ${oneOf(candidates)}`
}

/** `a, b or c` */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** Levenshtein: insertions, deletions and replacements between two words. */
function distance(a: string, b: string): number {
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      current.push(Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1)))
    }
    last = current
  }
  return last[b.length]!
}
