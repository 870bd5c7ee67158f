import type { TableRows } from '../../core/model.ts'
import { decoderOf } from './encodings.ts'
import { countNewlines } from './newlines.ts'
import { parseQualified, tableName } from './names.ts'

/** Counts the rows in the SQL text that pg_restore writes. The text may come in chunks cut anywhere. */
export interface RowCounter {
  take: (chunk: Buffer) => void
  /** @returns tables by name; `complete` is false when the text stopped inside a statement or a table */
  end: () => { tables: TableRows[]; complete: boolean }
}

const newline = 0x0a
const doubleQuote = 0x22
const singleQuote = 0x27
const dash = 0x2d
const semicolon = 0x3b
const letterC = 0x43
const letterS = 0x53
const backslash = 0x5c
const lastBlank = 0x20 // it and every byte below

const longestSet = 100 // of `SET client_encoding`; large objects are long SELECTs, and nobody's names
const longestCopy = 1024 * 1024 // 1,600 columns with quoted names of 63 bytes stay well below

const endMarker = '\n\\.\n'
const endMarkerBytes = Buffer.from(endMarker)
const afterHeader = '\n'

type Place = 'between' | 'comment' | 'statement' | 'single' | 'double' | 'copy-line' | 'rows'

/** A small lexer: between tables, `COPY` inside a comment, a text or a quoted name must not be taken for a statement;
 * inside a table only newlines matter, because COPY escapes all others.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 * @param begun  told of each table where its rows begin; several times when it is loaded in parts */
export function createRowCounter(begun: (table: string) => void = () => undefined): RowCounter {
  const counts = new Map<string, number>()
  let place: Place = 'between'
  /** The statement so far, when it may be a COPY or name the encoding; else null. */
  let statement: Buffer[] | null = null
  let statementBytes = 0
  let table = ''
  let decode = decoderOf('UTF8')
  /** The last three bytes before the current chunk. */
  let tail = afterHeader

  function take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = steps[place](chunk, at)
  }

  const steps: Record<Place, (chunk: Buffer, at: number) => number> = {
    between(chunk, at) {
      while (at < chunk.length && chunk[at]! <= lastBlank) at++
      if (at === chunk.length) return at
      place = isWholeLine(chunk[at]!) ? 'comment' : 'statement'
      statement = chunk[at] === letterC || chunk[at] === letterS ? [] : null
      statementBytes = 0
      return at
    },
    comment: (chunk, at) => upTo(chunk, at, { byte: newline, next: 'between' }),
    statement(chunk, at) {
      let end = at
      while (end < chunk.length && !isStop(chunk[end]!)) end++
      keep(chunk, at, end + 1)
      if (end === chunk.length) return end
      if (chunk[end] === semicolon) place = startsTable() ? 'copy-line' : 'between'
      else place = chunk[end] === singleQuote ? 'single' : 'double'
      return end + 1
    },
    single: (chunk, at) => upTo(chunk, at, { byte: singleQuote, next: 'statement' }),
    double: (chunk, at) => upTo(chunk, at, { byte: doubleQuote, next: 'statement' }),
    'copy-line': (chunk, at) => upTo(chunk, at, { byte: newline, next: 'rows' }),
    rows: countRows,
  }

  function upTo(chunk: Buffer, at: number, { byte, next }: { byte: number; next: Place }): number {
    const found = chunk.indexOf(byte, at)
    const end = found < 0 ? chunk.length : found + 1
    keep(chunk, at, end)
    if (found >= 0) place = next
    return end
  }

  function keep(chunk: Buffer, from: number, to: number): void {
    if (!statement) return
    statement.push(Buffer.from(chunk.subarray(from, to))) // a copy: the chunk is gone when we return
    statementBytes += to - from
    const longest = statement[0]![0] === letterS ? longestSet : longestCopy
    if (statementBytes > longest) statement = null
  }

  function startsTable(): boolean {
    const text = statement && decode(Buffer.concat(statement))
    statement = null
    const encoding = /^SET client_encoding = '(\w+)';$/.exec(text ?? '')?.[1]
    if (encoding) decode = decoderOf(encoding)
    const name =
      text?.startsWith('COPY ') && text.endsWith(' FROM stdin;') ? parseQualified(text.slice(5)) : null
    if (!name) return false
    table = tableName(name.schema, name.table)
    begun(table)
    counts.set(table, counts.get(table) ?? 0) // partitions loaded through their root come one by one
    return true
  }

  function countRows(chunk: Buffer, at: number): number {
    const end = endOfTable(chunk, at)
    const lines = countNewlines(chunk, at, end ?? chunk.length)
    counts.set(table, counts.get(table)! + lines - (end === null ? 0 : 1)) // the marker's own line is no row
    if (end !== null) place = 'between'
    tail =
      end === null ? (tail + chunk.toString('latin1', Math.max(at, chunk.length - 3))).slice(-3) : afterHeader
    return end ?? chunk.length
  }

  /** Just behind the line `\\.`, which may lie across two chunks; null when it is not in this one. */
  function endOfTable(chunk: Buffer, at: number): number | null {
    const acrossSeam = (tail + chunk.toString('latin1', at, at + 3)).indexOf(endMarker)
    if (acrossSeam >= 0) return at + acrossSeam + endMarker.length - tail.length
    const found = chunk.indexOf(endMarkerBytes, at)
    return found < 0 ? null : found + endMarker.length
  }

  function end(): { tables: TableRows[]; complete: boolean } {
    const tables = [...counts].map(([name, rows]) => ({ name, rows }))
    tables.sort((a, b) => (a.name < b.name ? -1 : 1))
    return { tables, complete: place === 'between' || place === 'comment' }
  }

  return { take, end }
}

/** Comments, and psql's own commands: newer versions wrap everything in `\\restrict` and `\\unrestrict`. */
function isWholeLine(first: number): boolean {
  return first === dash || first === backslash
}

function isStop(byte: number): boolean {
  return byte === semicolon || byte === singleQuote || byte === doubleQuote
}
