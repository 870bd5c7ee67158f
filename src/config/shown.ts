import { hidePasswords } from './secrets.ts'

const longest = 60

/** A piece of the file inside a sentence: one line, not too long. */
export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`
}

/** A value inside a sentence: `"text"`, `12`, "a list". */
export function shown(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a group of keys'
  return typeof value === 'string' ? `"${shorten(hidePasswords(value))}"` : JSON.stringify(value)
}
