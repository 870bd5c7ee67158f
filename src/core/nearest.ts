const longestCompared = 64 // longer words are no typing mistake, and the distance costs their product

/** The candidate that a person most likely meant: equal but for case, a unique beginning, or at most a third of its letters away. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const typed = word.slice(0, longestCompared).toLowerCase()
  const begun =
    typed === '' ? [] : candidates.filter((candidate) => candidate.toLowerCase().startsWith(typed))
  if (begun.length === 1) return begun[0]!
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

/** Insertions, deletions, replacements and swapped neighbours between two words (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let steps = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) steps = Math.min(steps, before[column - 2]! + 1)
      current.push(steps)
    }
    before = last
    last = current
  }
  return last[b.length]!
}
