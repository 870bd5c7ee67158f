/** Cuts a script of SQL into statements, as SQLite's own shell does. Text may come in chunks cut anywhere.
 * https://www.sqlite.org/c3ref/complete.html */
export interface Statements {
  /** @returns the statements that are complete now
   * @throws ScriptRefused at a command of the shell */
  take(text: string): string[]
  /** @returns what is left, as it was written; '' when the script ended between statements: then it is comments at most */
  rest(): string
}

/** A line of the script is a command of SQLite's shell (`.read`, `.shell`): nothing that a database takes. */
export class ScriptRefused extends Error {}

/** Each in one way only: else a long row of them takes forever to be told from something else. */
export const comments = String.raw`--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/`

const closings: Record<string, string> = { "'": "'", '"': '"', '`': '`', '[': ']' }
const trigger = /^\s*create\s+(?:temp\s+|temporary\s+)?trigger\b/i
const onlyComments = new RegExp(String.raw`^(?:\s|${comments})*$`)
const endOfTrigger = /;\s*end\s*$/i

export function createStatements(): Statements {
  let left = ''
  let line = 1

  /** @returns the end of the first statement of `left`, or null when more of it must come */
  function next(): number | null {
    let code = '' // without texts and comments
    for (let at = 0; at < left.length;) {
      const letter = left[at]!
      if (letter === '.' && code.trim() === '' && isLineStart(left, at)) throw shellCommand(at)
      const skipped = skip(letter, at)
      if (skipped === null) return null
      if (skipped !== at) {
        code += ' '
        at = skipped
        continue
      }
      if (letter === ';' && (!trigger.test(code) || endOfTrigger.test(code))) return at + 1
      code += letter
      at++
    }
    return null
  }

  /** Behind a text or comment that begins here; null when its end is not there yet. */
  function skip(letter: string, at: number): number | null {
    const closing = closings[letter]
    if (closing) return behind(closing, at + 1)
    const two = left.slice(at, at + 2)
    if (two === '-' || two === '/') return null
    if (two === '--') return behind('\n', at + 2)
    return two === '/*' ? behind('*/', at + 2) : at
  }

  function behind(mark: string, from: number): number | null {
    const found = left.indexOf(mark, from)
    return found < 0 ? null : found + mark.length
  }

  function shellCommand(at: number): ScriptRefused {
    const number = line + left.slice(0, at).split('\n').length - 1
    return new ScriptRefused(`line ${number} of the script is a command of SQLite's shell, not SQL`)
  }

  return {
    take(text) {
      left += text
      const found: string[] = []
      for (let end = next(); end !== null; end = next()) {
        found.push(left.slice(0, end))
        line += left.slice(0, end).split('\n').length - 1
        left = left.slice(end)
      }
      return found
    },
    rest: () => (onlyComments.test(left) ? '' : left.trim()),
  }
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text[at - 1] === '\n'
}
