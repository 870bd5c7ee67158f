import { Fault } from '../../core/faults.ts'

/** What a script of plain SQL would do beyond statements. */
export interface ScriptFacts {
  /** It begins or ends transactions by itself, or holds what cannot be in one: then it cannot be all or nothing. */
  ownTransactions: boolean
  /** Where pg_dump's own `\restrict` and `\unrestrict` lines begin, in bytes. */
  guards: number[]
}

export interface ScriptScanner {
  /** @throws Fault proof-failed at the first command of psql */
  take(chunk: Buffer): void
  /** @throws Fault proof-failed when the script stops inside a text, a comment or rows */
  end(): ScriptFacts
}

type Place = 'code' | 'line-comment' | 'comment' | 'text' | 'escaped' | 'name' | 'dollar' | 'rows' | 'row'

const lookAhead = 300 // the longest thing that is judged at once: a guard with its key, or a dollar tag
const longestCode = 2_000 // of a statement; COPY and BEGIN are decided by their first words

const guard = /^\\(?:un)?restrict [A-Za-z0-9]+\s*?\n/
const dollarTag = /^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/
const copyIn = /^\s*copy\s[^;]*?\sfrom\s+stdin\b/i
const routine = /^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b/i
const outside =
  /^\s*(?:begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction|vacuum|create\s+database|drop\s+database|alter\s+system|create\s+tablespace|reindex\s+(?:database|system)|create\s+(?:unique\s+)?index\s+concurrently)\b/i

/** Reads a script as psql's own lexer does, so that a backslash in a text, a function or a row is not taken for a command, and
 * one anywhere else is. https://github.com/postgres/postgres/blob/REL_18_0/src/fe_utils/psqlscan.l */
export function createScriptScanner(): ScriptScanner {
  const facts: ScriptFacts = { ownTransactions: false, guards: [] }
  let rest = Buffer.alloc(0)
  let offset = 0 // of the first byte of `rest` in the script
  let line = 1
  let place: Place = 'code'
  let code = ''
  let word = ''
  let parens = 0
  let blocks = 0
  let comments = 0
  let tag = ''
  let complete = false // nothing follows what is in `rest`

  function scan(final: boolean): void {
    complete = final
    const text = rest.toString('latin1') // one letter per byte: positions are bytes
    const safe = final ? text.length : text.length - lookAhead
    let at = 0
    while (at < safe) at = steps[place](text, at)
    for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++
    rest = rest.subarray(at)
    offset += at
  }

  const until = (text: string, at: number, letters: RegExp): number => {
    letters.lastIndex = at
    const found = letters.exec(text)
    return found ? found.index : text.length
  }

  const steps: Record<Place, (text: string, at: number) => number> = {
    code: readCode,
    'line-comment'(text, at) {
      const end = until(text, at, /\n/g)
      if (end < text.length) place = 'code'
      return end
    },
    comment(text, at) {
      const end = until(text, at, /\*\/|\/\*/g)
      if (end === text.length) return complete ? end : end - 1
      comments += text[end] === '/' ? 1 : -1
      if (comments === 0) place = 'code'
      return end + 2
    },
    text(text, at) {
      const end = until(text, at, /'/g)
      if (end < text.length) place = 'code' // a doubled quote opens the next text at once
      return Math.min(text.length, end + 1)
    },
    escaped(text, at) {
      const end = until(text, at, /['\\]/g)
      if (end + 1 >= text.length) {
        if (text[end] === "'" && complete) place = 'code'
        return complete ? text.length : end
      }
      if (text[end] === "'" && text[end + 1] !== "'") place = 'code'
      return place === 'code' ? end + 1 : end + 2
    },
    name(text, at) {
      const end = until(text, at, /"/g)
      if (end < text.length) place = 'code'
      return Math.min(text.length, end + 1)
    },
    dollar(text, at) {
      const end = text.indexOf(tag, at)
      if (end < 0) return complete ? text.length : text.length - tag.length
      place = 'code'
      return end + tag.length
    },
    rows(text, at) {
      const ends = /^\\\.\r?(?:\n|$)/.exec(text.slice(at, at + 5))
      place = ends ? 'code' : 'row'
      return ends ? at + ends[0].length : at
    },
    row(text, at) {
      const end = text.indexOf('\n', at)
      if (end < 0) return text.length
      place = 'rows'
      return end + 1
    },
  }

  function readCode(text: string, at: number): number {
    const letter = text[at]!
    if (/[A-Za-z0-9_\x80-\xff]/.test(letter)) {
      word += letter
      keep(letter)
      return at + 1
    }
    const before = word
    endWord()
    if (letter === "'") return open(/^e$/i.test(before) ? 'escaped' : 'text', at + 1)
    if (letter === '"') return open('name', at + 1)
    if (letter === '-' && text[at + 1] === '-') return open('line-comment', at + 2)
    if (letter === '/' && text[at + 1] === '*') {
      comments = 1
      return open('comment', at + 2)
    }
    const opening = letter === '$' && before === '' ? dollarTag.exec(text.slice(at, at + lookAhead)) : null
    if (opening) {
      tag = opening[0]
      return open('dollar', at + tag.length)
    }
    if (letter === '\\') return readBackslash(text, at)
    if (letter === '(') parens++
    if (letter === ')') parens = Math.max(0, parens - 1)
    if (letter === ';' && parens === 0 && blocks === 0) return endStatement(text, at)
    keep(letter)
    return at + 1
  }

  function open(next: Place, at: number): number {
    keep(' ')
    place = next
    return at
  }

  /** Columns and values stand in parentheses: what matters comes before and behind them. */
  function keep(letter: string): void {
    if (parens === 0 && code.length < longestCode) code += letter
  }

  /** A routine's body may be statements of its own (BEGIN ATOMIC … END): they do not end the statement. */
  function endWord(): void {
    const upper = word.toUpperCase()
    word = ''
    if (!['BEGIN', 'CASE', 'END'].includes(upper) || parens > 0 || !routine.test(code)) return
    if (upper === 'BEGIN' || (upper === 'CASE' && blocks > 0)) blocks++
    if (upper === 'END' && blocks > 0) blocks--
  }

  function readBackslash(text: string, at: number): number {
    const isWhole = code.trim() === '' && (at === 0 || text[at - 1] === '\n' || offset + at === 0)
    const found = isWhole ? guard.exec(text.slice(at, at + lookAhead)) : null
    if (!found) throw refused(at, text)
    facts.guards.push(offset + at)
    return at + found[0].length - 1
  }

  function refused(at: number, text: string): Fault {
    const number = line + text.slice(0, at).split('\n').length - 1
    return new Fault('proof-failed', `line ${number} of the script is a command of psql, not SQL`, {
      hint: 'remove it from a copy of the file, when you know what it was for; nothing was changed',
      retry: false,
    })
  }

  function endStatement(text: string, at: number): number {
    const isCopy = copyIn.test(code)
    if (outside.test(code)) facts.ownTransactions = true
    code = ''
    if (!isCopy) return at + 1
    const end = text.indexOf('\n', at)
    place = end < 0 ? 'row' : 'rows'
    return end < 0 ? text.length : end + 1
  }

  return {
    take(chunk) {
      rest = Buffer.concat([rest, chunk])
      scan(false)
    },
    end() {
      scan(true)
      endWord()
      if (outside.test(code)) facts.ownTransactions = true
      if (place === 'code' || place === 'line-comment') return facts
      throw new Fault('proof-failed', 'the script stops in the middle of a statement or a table', {
        retry: false,
      })
    },
  }
}
