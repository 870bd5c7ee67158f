/** What generators of schemas choose with. */
export interface Chooser {
  /** Both included. */
  between(from: number, to: number): number
  of<T>(items: readonly T[]): T
  often(chance: number): boolean
  /** Words that are hard to quote, escape or encode; never with a zero byte. */
  text(): string
  /** A word for a name, at most 40 bytes. */
  name(kind: string): string
}

const hard = [
  '',
  "it's",
  '"',
  '\\',
  '\\.',
  '\\N',
  '\n',
  '\t',
  '🐘',
  'ünïcödé',
  '--',
  '/*',
  '*/',
  ';',
  '$$',
  '%',
  '`',
  'NULL',
  '\r\n',
  'COPY x FROM stdin;',
  '</a>',
  '\u200f',
  '\u0001',
]

export function chooser(random: () => number): Chooser {
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1))
  const of = <T>(items: readonly T[]): T => items[between(0, items.length - 1)]!
  return {
    between,
    of,
    often: (chance) => random() < chance,
    text: () => Array.from({ length: between(0, 4) }, () => of([...hard, 'plain', ' '])).join(''),
    name: (kind) => kind + of(['', '', ' of it', "'s", '"', 'Größe', '日本', ';--', '\n', '%s', '`', '\\', 'A']),
  }
} // prettier-ignore
