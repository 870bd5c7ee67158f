import { randomFrom } from '../support/random.ts'

/** Texts that people type to see what breaks; each is a piece of larger inputs, too. */
export const bombs: readonly string[] = [
  '',
  ' ',
  '\0',
  '\u202E',
  '\u2028',
  '\uD83D',
  '﷽'.repeat(300),
  '🏳️‍🌈'.repeat(200),
  'a\u0301'.repeat(1_000),
  'x'.repeat(4_096),
  '../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '/dev/zero',
  'host=evil dbname=x',
  "'; DROP TABLE orders; --",
  '$(reboot)',
  '`reboot`',
  '${file:/etc/shadow}',
  '%n%s%x',
  '<!channel> <!here> <@U0ALICE01>',
  '<!subteam^S0DBA0001>',
  '<https://evil.example|click>',
  '&lt;!channel&gt;',
  '*bold* _it_ ~no~ ```',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '{"__proto__":{"admin":true}}',
  '-1',
  '1e999',
  'NaN',
  '9'.repeat(400),
  '--',
  '---',
  '-',
  '—',
  '=',
  '--=',
  '--limit=',
  '--no-',
  '"',
  "'",
  '“',
  '\\',
  'null',
  'true',
  '[]',
  '{}',
]

export interface Dice {
  number(below: number): number
  pick<T>(from: readonly T[]): T
  /** Pieces of all kinds, from the words given and from bombs, some of them cut or doubled. */
  text(words: readonly string[], pieces: number): string[]
}

export function dice(seed: number): Dice {
  const random = randomFrom(seed)
  const number = (below: number): number => Math.floor(random() * below)
  const pick = <T>(from: readonly T[]): T => from[number(from.length)]!
  const noise = (): string =>
    String.fromCodePoint(
      ...Array.from({ length: number(12) }, () => number(random() < 0.7 ? 128 : 0x11_0000)),
    )
  function piece(words: readonly string[]): string {
    const chosen = random() < 0.5 ? pick(words) : random() < 0.8 ? pick(bombs) : noise()
    if (random() < 0.1) return chosen.slice(0, number(chosen.length + 1))
    return random() < 0.1 ? chosen + noise() : chosen
  }
  return {
    number,
    pick,
    text: (words, pieces) => Array.from({ length: number(pieces + 1) }, () => piece(words)),
  }
}

/** How long answers took, in milliseconds. */
export class Times {
  readonly #all: number[] = []
  slowest = { ms: 0, input: '' }

  /** Time of this thread alone: other work on the machine, and of the collector of garbage beside it, does not count. Whoever took too long while garbage was collected may try again. */
  async measure<T>(input: string, limitMs: number, work: () => T | Promise<T>): Promise<T> {
    let best = Infinity
    for (let time = 1; ; time++) {
      const begun = process.threadCpuUsage()
      const result = await work()
      const { user, system } = process.threadCpuUsage(begun)
      best = Math.min(best, (user + system) / 1_000)
      if (best < limitMs || time === 5) {
        this.#all.push(best)
        if (best > this.slowest.ms) this.slowest = { ms: best, input: input.slice(0, 200) }
        return result
      }
    }
  }

  report(): string {
    const sorted = this.#all.toSorted((a, b) => a - b)
    const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2)
    return `${sorted.length} inputs: median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms: ${JSON.stringify(this.slowest.input)}`
  }
}
