import type { TableRows } from '../../core/model.ts'
import { createReading, type Reading, type Statement } from './statements.ts'

/** What a dump's text holds. */
export interface Scan extends Omit<Reading, 'rows'> {
  /** Exact rows per table, by name. */
  tables: TableRows[]
  /** It ends between two statements. */
  isWhole: boolean
  /** Its last line says that the program that wrote it came to its end. */
  hasTrailer: boolean
  /** Bytes of the longest statement: a server takes no longer one than its max_allowed_packet. */
  longestStatement: number
}

export interface Scanner {
  /** The chunk's bytes may be gone when it returns. */
  take(chunk: Buffer): void
  end(): Scan
}

const [quote, doubleQuote, backtick, backslash, newline] = [39, 34, 96, 92, 10]
const [slash, star, dash, hash, space, opening, closing, comma, semicolon] = [
  47, 42, 45, 35, 32, 40, 41, 44, 59,
]
const [exclamation, letterM, letterV] = [33, 77, 86]
const lookahead = 128 // longer than any mark that is looked for at one place, a line of DELIMITER among them
const headBytes = 4096 // of a statement: its kind, name and definer stand at the front

/** A command to the client, not a statement: newer ones lock themselves by it, older ones stumble over it. */
const sandboxLine = Buffer.from('/*M!999999\\-')

type Where = 'between' | 'statement' | 'line comment' | 'block comment' | 'string'

/** Reads the text as the client does: statements end at the delimiter of the moment, outside strings and comments; bytes, because every
 * mark is ASCII and the text is UTF-8. Memory does not depend on the dump's size.
 * @param only  tables; null: everything */
export function createScanner(only: ReadonlySet<string> | null = null): Scanner {
  const reading = createReading(only)
  let carry: Buffer = Buffer.alloc(0)
  let offset = 0 // of the buffer's first byte in the text
  let where: Where = 'between'
  let outer: 'between' | 'statement' = 'between' // around a comment
  let ender = quote // of the string
  let delimiter = Buffer.from(';')
  let isLineStart = true
  let statement: Statement | null = null
  let isCounting = false
  let depth = 0
  let rows = 0
  let stray: number | null = null // place of a semicolon with nothing but the end of a comment behind it
  let lastLine = ''
  let longestStatement = 0

  function take(chunk: Buffer): void {
    const buffer = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk
    const done = scan(buffer, Math.max(0, buffer.length - lookahead))
    carry = Buffer.from(buffer.subarray(done))
    offset += done
  }

  /** @returns where it stopped, at `limit` or a little behind */
  function scan(buffer: Buffer, limit: number): number {
    let at = 0
    while (at < limit) {
      if (where === 'string') at = inString(buffer, at, limit)
      else if (where === 'line comment') at = inLineComment(buffer, at, limit)
      else if (where === 'block comment') at = inBlockComment(buffer, at, limit)
      else if (where === 'between') at = between(buffer, at)
      else at = isCounting ? inValues(buffer, at, limit) : inStatement(buffer, at, limit)
    }
    return at
  }

  function inString(buffer: Buffer, from: number, limit: number): number {
    const escapes = ender !== backtick && !reading.noBackslashes
    let at = from
    while (at < limit) {
      const byte = buffer[at]!
      if (byte === ender) {
        where = 'statement'
        return keep(buffer, from, at + 1)
      }
      at += byte === backslash && escapes ? 2 : 1
    }
    return keep(buffer, from, at)
  }

  function inLineComment(buffer: Buffer, from: number, limit: number): number {
    const end = buffer.indexOf(newline, from)
    const isOver = end >= 0 && end < limit
    const stop = isOver ? end : limit
    blank(stop - from)
    if (lastLine.length < lookahead)
      lastLine += buffer.toString('latin1', from, Math.min(stop, from + lookahead))
    if (!isOver) return limit
    where = outer
    isLineStart = true
    lastLine += '\n'
    return end + 1
  }

  function inBlockComment(buffer: Buffer, from: number, limit: number): number {
    const end = buffer.indexOf('*/', from)
    const isOver = end >= 0 && end < limit
    const stop = isOver ? end + 2 : limit
    blank(stop - from)
    if (isOver) where = outer
    return stop
  }

  function between(buffer: Buffer, at: number): number {
    const byte = buffer[at]!
    if (byte <= space) {
      if (byte === newline) isLineStart = true
      return at + 1
    }
    if (offset + at === 0 && startsWith(buffer, at, sandboxLine)) return skipSandboxLine(buffer)
    if (startsComment(buffer, at)) return comment(buffer, at)
    if (isLineStart && isDelimiterLine(buffer, at)) return changeDelimiter(buffer, at)
    if (startsWith(buffer, at, delimiter)) return at + delimiter.length // an empty statement
    statement = { at: offset + at, head: '' }
    ;[isCounting, depth, rows, lastLine, isLineStart, stray] = [false, 0, 0, '', false, null]
    where = 'statement'
    return at
  }

  function skipSandboxLine(buffer: Buffer): number {
    const end = buffer.indexOf(newline)
    const stop = end < 0 ? buffer.length : end
    reading.noteSandboxLine(stop)
    return stop
  }

  function comment(buffer: Buffer, at: number): number {
    outer = where as typeof outer
    const isBlock = buffer[at] === slash
    where = isBlock ? 'block comment' : 'line comment'
    lastLine = ''
    if (isBlock) blank(2)
    return isBlock ? at + 2 : at
  }

  function changeDelimiter(buffer: Buffer, at: number): number {
    const end = buffer.indexOf(newline, at)
    const stop = end < 0 ? buffer.length : end
    const word = buffer
      .toString('latin1', at + 10, stop)
      .trim()
      .split(/\s/)[0]!
    if (word !== '') delimiter = Buffer.from(word, 'latin1')
    else reading.refuse('a DELIMITER without a delimiter')
    isLineStart = true
    return stop
  }

  /** Everything but the rows of an INSERT. */
  function inStatement(buffer: Buffer, from: number, limit: number): number {
    const [first] = delimiter
    let at = from
    while (at < limit) {
      const byte = buffer[at]!
      if (byte === first && startsWith(buffer, at, delimiter)) return endStatement(buffer, from, at)
      if (byte === semicolon) stray = offset + at
      else if (byte > space && byte !== star && byte !== slash) stray = null
      if (byte === quote || byte === doubleQuote || byte === backtick) {
        ;[ender, where] = [byte, 'string']
        return keep(buffer, from, at + 1)
      }
      if ((byte === slash || byte === dash || byte === hash) && startsComment(buffer, at))
        return (keep(buffer, from, at), comment(buffer, at))
      if ((byte & 0xdf) === letterV && isValues(buffer, at)) {
        keep(buffer, from, at + 6)
        if (reading.isInsert(statement!)) isCounting = true
        return at + 6
      }
      at++
    }
    return keep(buffer, from, at)
  }

  /** The hot path: rows are brackets that open outside all others. */
  function inValues(buffer: Buffer, from: number, limit: number): number {
    const first = delimiter[0]
    let at = from
    while (at < limit) {
      const byte = buffer[at]!
      if (byte === quote) {
        at++
        while (at < limit) {
          const inner = buffer[at]!
          if (inner === quote) break
          at += inner === backslash && !reading.noBackslashes ? 2 : 1
        }
        if (at >= limit) return ((ender = quote), (where = 'string'), at)
        at++
      } else if (byte === opening) {
        if (depth++ === 0) rows++
        at++
      } else if (byte === closing) {
        depth--
        at++
      } else if (byte === first && startsWith(buffer, at, delimiter)) return endStatement(buffer, at, at)
      else if (byte === doubleQuote || byte === backtick) return ((ender = byte), (where = 'string'), at + 1)
      else if ((byte === slash || byte === dash || byte === hash) && startsComment(buffer, at))
        return comment(buffer, at)
      else {
        if (depth === 0 && byte > space && byte !== comma) reading.refuse('an INSERT with more than rows')
        at++
      }
    }
    return at
  }

  function keep(buffer: Buffer, from: number, to: number): number {
    const room = headBytes - statement!.head.length
    if (room > 0) statement!.head += buffer.toString('latin1', from, Math.min(to, from + room))
    return to
  }

  /** Comments are no part of the head, but places in it stay places in the text. */
  function blank(length: number): void {
    if (statement) statement.head += ' '.repeat(Math.min(length, headBytes - statement.head.length))
  }

  function endStatement(buffer: Buffer, from: number, at: number): number {
    keep(buffer, from, at)
    const bytes = offset + at - statement!.at
    if (bytes > longestStatement) longestStatement = bytes
    if (depth !== 0) reading.refuse('an INSERT whose brackets do not match')
    reading.take(statement!, { rows, bytes, stray })
    statement = null
    ;[where, isCounting, lastLine] = ['between', false, '']
    return at + delimiter.length
  }

  function end(): Scan {
    const rest = Buffer.concat([carry, Buffer.from('\0'.repeat(lookahead))]) // marks may be looked for behind the end
    const stopped = scan(rest, carry.length)
    const isWhole = where === 'between' && stopped === carry.length
    const { rows: counted, ...read } = reading.end()
    const tables = [...counted].map(([name, of]) => ({ name, rows: of }))
    tables.sort((a, b) => (a.name < b.name ? -1 : 1))
    return {
      ...read,
      tables,
      isWhole,
      hasTrailer: /^-- Dump completed(?: on [^\n]*)?\n$/.test(lastLine),
      longestStatement,
    }
  }

  return { take, end }
}

/** `-- `, `#` and comments in stars; those with `!` are for the server, and part of the statement. */
function startsComment(buffer: Buffer, at: number): boolean {
  const byte = buffer[at]
  if (byte === hash) return true
  if (byte === dash) return buffer[at + 1] === dash && (buffer[at + 2] ?? 0) <= space
  if (byte !== slash || buffer[at + 1] !== star) return false
  const third = buffer[at + 2]
  return third !== exclamation && !(third === letterM && buffer[at + 3] === exclamation)
}

function isDelimiterLine(buffer: Buffer, at: number): boolean {
  return buffer.toString('latin1', at, at + 10).toUpperCase() === 'DELIMITER '
}

function isValues(buffer: Buffer, at: number): boolean {
  return /^VALUES[\s(]$/i.test(buffer.toString('latin1', at, at + 7))
}

function startsWith(buffer: Buffer, at: number, mark: Buffer): boolean {
  for (let index = 0; index < mark.length; index++) if (buffer[at + index] !== mark[index]) return false
  return true
}
