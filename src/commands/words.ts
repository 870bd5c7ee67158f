import { Fault } from '../core/faults.ts'

const longestCommand = 4000 // what Slack lets a person type

/** Splits what a person typed into words. Quotes keep words together, also the curly ones that phones write;
 * a backslash keeps the next quote, space or backslash as it is. Control characters count as spaces.
 * @throws Fault usage */
export function splitWords(typed: string): string[] {
  if (typed.length > longestCommand)
    throw new Fault('usage', `a command has at most ${longestCommand} characters, this one ${typed.length}`)
  const words: string[] = []
  let word: string | null = null
  let closing: string | null = null
  for (let at = 0; at < typed.length; at++) {
    const letter = typed[at]!
    const next = typed[at + 1]
    if (letter === '\\' && next !== undefined && escapable.includes(next)) {
      word = (word ?? '') + next
      at += 1
    } else if (closing !== null) {
      if (closing.includes(letter)) closing = null
      else word += letter
    } else if (opens(letter, word)) {
      closing = closings[letter]!
      word ??= ''
    } else if (isSpace(letter)) {
      if (word !== null) words.push(word)
      word = null
    } else {
      word = (word ?? '') + letter
    }
  }
  if (closing !== null)
    throw new Fault('usage', `the quote that ends with ${closing[0]} is not closed`, {
      hint: `close it, or write \\${closing[0]} for the character itself`,
    })
  if (word !== null) words.push(word)
  return words
}

/** User text as one short, harmless piece of a message: no control characters, at most 60 characters. */
export function quoted(word: string): string {
  const harmless = word.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').replaceAll('`', "'")
  const letters = Array.from(harmless)
  return `\`${letters.length > 60 ? `${letters.slice(0, 59).join('')}…` : harmless}\``
}

const closings: Record<string, string> = { '"': '"', "'": "'", '“': '”"', '”': '”"', '„': '”“"', '‘': '’' }
const escapable = ['\\', '"', "'", ' ']

/** An apostrophe inside a word (`don't`) is a letter; after `=` it opens a quote. */
function opens(letter: string, word: string | null): boolean {
  if (!Object.hasOwn(closings, letter)) return false
  return (letter !== "'" && letter !== '‘') || word === null || word.endsWith('=')
}

function isSpace(letter: string): boolean {
  return /[\s\p{Cc}]/u.test(letter)
}
