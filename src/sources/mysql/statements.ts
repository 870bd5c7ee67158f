import { judge, setsStage } from './allowed.ts'
import { name, qualified } from './spelling.ts'

/** What the statements of a dump say, one after the other. */
export interface Reading {
  rows: Map<string, number>
  /** How many of each kind: TABLE, VIEW, TRIGGER, PROCEDURE, FUNCTION, EVENT, SEQUENCE, PACKAGE, LIBRARY. */
  objects: Record<string, number>
  /** Events that the server drops by itself when their time is over, which may be before they are restored. */
  passing: number
  /** Accounts that views, triggers, routines and events run as: `app`@`%`. */
  definers: ReadonlySet<string>
  /** The first statement that no dump program writes, or null. */
  odd: string | null
  /** The first statement that is about another database or the server, or null. */
  leaves: string | null
  /** Where the text has to be changed before it may run elsewhere. */
  edits: Edit[]
  /** What is about other tables than the chosen ones, in order; empty when everything was chosen. */
  skips: Range[]
}

/** Bytes of the text. */
export interface Range {
  at: number
  /** The first one behind it. */
  end: number
}

/** Bytes of the text that are overwritten by as many others. */
export interface Edit {
  at: number
  text: string
  /** `definer`: only where owners are left out; `sandbox`: only for clients that do not know it; `home`, `stray`: always. */
  why: 'definer' | 'sandbox' | 'home' | 'stray'
}

/** Of a statement as a whole. */
export interface Extent {
  rows: number
  bytes: number
  /** Place of a semicolon that is its last character, but for the end of a comment for servers. */
  stray: number | null
}

export interface Statement {
  /** Place of its first byte in the text. */
  at: number
  /** Its first bytes, one character each; comments are blank. */
  head: string
}

const account = `(?:${name}|'[^']*')(?:@(?:${name}|'[^']*'))?`
const created = new RegExp(
  `^CREATE\\s+(?:OR\\s+REPLACE\\s+)?(?:ALGORITHM\\s*=\\s*\\w+\\s+)?(?:MATERIALIZED\\s+)?(?:DEFINER\\s*=\\s*(${account})\\s+)?(?:SQL\\s+SECURITY\\s+\\w+\\s+)?(?:AGGREGATE\\s+)?(?:JSON\\s+(?:RELATIONAL\\s+)?DUALITY\\s+)?` +
    '(TABLE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE|LIBRARY|PACKAGE\\s+BODY|PACKAGE)\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?',
  'i',
)
const passes =
  /^\s*ON\s+SCHEDULE\s+(?:AT\s|EVERY\s(?:(?!ON\s+COMPLETION)[^])*?\sENDS\s)(?:(?!ON\s+COMPLETION)[^])*ON\s+COMPLETION\s+NOT\s+PRESERVE\b/i
const inserted = /^(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+/i
const dropped =
  /^DROP\s+(?:TEMPORARY\s+)?(?:TABLE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE|LIBRARY|PACKAGE(?:\s+BODY)?)\s+(?:IF\s+EXISTS\s+)?/i
const changed = /^(?:ALTER\s+TABLE|LOCK\s+TABLES)\s+/i
const setMode = /^SET\s+(?:SESSION\s+)?sql_mode\s*=\s*/i
const changesDatabase =
  /^ALTER\s+(?:DATABASE|SCHEMA)\s+(?:`(?:[^`]|``)*`|\S+)\s+(?:DEFAULT\s+)?(?:CHARACTER\s+SET|COLLATE)/i

/** @param only  tables; null: everything */
export function createReading(only: ReadonlySet<string> | null = null) {
  const rows = new Map<string, number>()
  const kinds = new Map<string, Set<string>>()
  const definers = new Set<string>()
  const edits: Edit[] = []
  const skips: Range[] = []
  let odd: string | null = null
  let passing = 0
  let leaves: string | null = null

  const self = {
    /** Backslashes are characters like others, by the mode that the dump sets around a routine. */
    noBackslashes: false,
    isInsert: ({ head }: Statement): boolean => inserted.test(unwrapped(head)),
    refuse: (what: string): void => void (odd ??= what),
    noteSandboxLine: (length: number): void =>
      void edits.push({ at: 0, text: ' '.repeat(length), why: 'sandbox' }),

    take(statement: Statement, size: Extent): void {
      if (only && !isChosen(unwrapped(statement.head).trimStart()))
        return skip(statement.at, statement.at + size.bytes)
      note(statement, size)
    },

    end(): Reading {
      const objects = [...kinds].map(([kind, of]) => [kind, of.size] as const)
      return { rows, objects: Object.fromEntries(objects), definers, passing, odd, leaves, edits, skips }
    },
  }

  /** What is about no table at all sets the stage for the rows. */
  function isChosen(sql: string): boolean {
    if (setsStage(sql)) return true
    const kind = created.exec(sql)?.[2]?.toUpperCase()
    const isTables =
      kind === 'TABLE' || inserted.test(sql) || changed.test(sql) || /^DROP\s+TABLE\b/i.test(sql)
    const [, table] =
      qualified.exec(
        sql.replace(created, '').replace(inserted, '').replace(changed, '').replace(dropped, ''),
      ) ?? []
    return isTables && table !== undefined && only!.has(unquoted(table))
  }

  function skip(at: number, end: number): void {
    const last = skips.at(-1)
    if (last && last.end === at) last.end = end
    else skips.push({ at, end })
  }

  function note({ at, head }: Statement, size: Extent): void {
    const text = unwrapped(head)
    const begin = at + text.length - text.trimStart().length
    const sql = text.trimStart()
    if (inserted.test(sql)) return insert(sql, size.rows)
    if (setMode.test(sql)) self.noBackslashes = sql.includes('NO_BACKSLASH_ESCAPES')
    const isWrapped = /^\s*\/\*/.test(head)
    if (isWrapped && size.stray !== null) edits.push({ at: size.stray, text: ' ', why: 'stray' })
    if (created.test(sql)) return create(sql, { at: begin, isWrapped })
    if (changesDatabase.test(sql))
      return void edits.push({ at: begin, text: 'DO 0'.padEnd(size.bytes - (begin - at)), why: 'home' })
    if (sql.trim() === '') return
    if (dropped.test(sql)) home(sql, sql.replace(dropped, ''))
    else if (changed.test(sql)) home(sql, sql.replace(changed, ''))
    const { isOdd, isAway } = judge(sql)
    if (isOdd) odd ??= shown(sql)
    if (isAway) leaves ??= shown(sql)
  }

  function insert(sql: string, count: number): void {
    const table = home(sql, sql.replace(inserted, ''))
    if (table !== null) rows.set(table, (rows.get(table) ?? 0) + count)
  }

  function create(sql: string, { at, isWrapped }: { at: number; isWrapped: boolean }): void {
    const [front, definer, spelt] = created.exec(sql) as unknown as [string, string | undefined, string]
    const kind = spelt.toUpperCase().replace(/\s+/, ' ')
    if (definer) noteDefiner(sql, definer, at)
    const rest = sql.slice(front.length)
    if (kind === 'TABLE' && isWrapped) return // stands for a view until all tables are there
    if (kind === 'TRIGGER') return trigger(rest, at + front.length)
    const named = home(sql, rest)
    if (named === null) return
    kinds.set(kind, (kinds.get(kind) ?? new Set()).add(named))
    if (kind === 'EVENT' && passes.test(rest.replace(qualified, ''))) passing++
    if (kind === 'TABLE') rows.set(named, rows.get(named) ?? 0)
  }

  function noteDefiner(sql: string, definer: string, at: number): void {
    definers.add(utf8(definer))
    const [clause] = /DEFINER\s*=\s*/i.exec(sql)!
    const start = sql.indexOf(clause)
    edits.push({ at: at + start, text: ' '.repeat(clause.length + definer.length), why: 'definer' })
  }

  /** Kept as somebody once typed it: with the name of its database, maybe, and that may be another one now. */
  function trigger(rest: string, at: number): void {
    const parts = new RegExp(
      `^(${name}\\s*\\.\\s*)?(${name})\\s+(?:BEFORE|AFTER)\\s+\\w+(?:\\s+OR\\s+\\w+)*\\s+ON\\s+(${name}\\s*\\.\\s*)?(${name})`,
      'i',
    )
    const found = parts.exec(rest)
    if (!found) return void (odd ??= shown(`TRIGGER ${rest}`))
    const [whole, home, called, tablesHome, table] = found
    if (home) edits.push({ at, text: ' '.repeat(home.length), why: 'home' })
    if (tablesHome)
      edits.push({
        at: at + whole.length - table!.length - tablesHome.length,
        text: ' '.repeat(tablesHome.length),
        why: 'home',
      })
    kinds.set('TRIGGER', (kinds.get('TRIGGER') ?? new Set()).add(unquoted(called!)))
  }

  /** @returns the name; null when it is of another database */
  function home(sql: string, rest: string): string | null {
    const [, first, second] = qualified.exec(rest) ?? []
    if (first === undefined) odd ??= shown(sql)
    if (second !== undefined) leaves ??= shown(sql)
    return first === undefined || second !== undefined ? null : unquoted(first)
  }

  return self
}

/** Names and strings may hold what looks like a bracket of a comment. */
const brackets =
  /(`(?:[^`]|``)*`|"(?:[^"\\]|\\.|"")*"|'(?:[^'\\]|\\.|'')*')|^(?:\s*\/\*M?!\d*|\s*\*\/)+|\/\*M?!\d*(?=\s)|\*\/(?=\s|$)/gs

/** What the server reads of it: the brackets of comments for some versions are blank. */
function unwrapped(head: string): string {
  return head.replace(brackets, (found, quoted: string | undefined) => quoted ?? found.replaceAll(/\S/g, ' '))
}

function unquoted(text: string): string {
  const mark = text[0] === '`' || text[0] === '"' ? text[0] : null
  return utf8(mark === null ? text : text.slice(1, -1).replaceAll(mark + mark, mark))
}

function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}

function shown(sql: string): string {
  return utf8(sql.slice(0, 80))
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\P{C}]/gu, '?')
    .trim()
}
