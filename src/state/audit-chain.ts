import type { Selectable } from 'kysely'
import type { AuditRow } from '../core/audit.ts'
import { auditFrom, beforeAll, fromTable, hashOf } from './audit.ts'
import type { Read } from './database.ts'
import type { AuditTable } from './tables.ts'

/** What somebody remembers elsewhere of the chain: how far it went, and the hash of its last row then. */
export interface Head {
  seq: number
  hash: string
  /** Hash of the first row, by which one log is told from another. */
  first: string
  /** Where and when, for people: `disk on 2026-11-20`. */
  from: string
}

export interface ChainReport {
  rows: number
  /** Oldest row first. */
  problems: { seq: number; text: string }[]
}

interface Link {
  seq: number
  hash: string
  /** Its hash is that of its content. */
  isWhole: boolean
}

const pageRows = 500

/** Walks the log from its first row: every number is there once, every hash is that of its row and of the row before, and what was
 * remembered elsewhere is still in it. Memory does not grow with the log. */
export async function checkChain(db: Read, remembered: readonly Head[]): Promise<ChainReport> {
  const first = await firstHash(db)
  const heads = remembered.filter((head) => first === null || head.first === first)
  const problems = anotherLog(remembered.filter((head) => !heads.includes(head)))
  const changed: AuditRow[] = []
  let last: Link = { seq: 0, hash: beforeAll, isWhole: true }
  let rows = 0
  for await (const found of inOrder(db)) {
    rows += 1
    const row = readRow(found)
    const isWhole = row !== null && hashOf(row) === row.hash
    const isNext = found.seq === last.seq + 1
    if (!isNext) problems.push(missing(last.seq + 1, found.seq - 1))
    if (row !== null && !isWhole) changed.push(row)
    if (row === null)
      problems.push({ seq: found.seq, text: `row ${found.seq} cannot be read: it was changed` })
    if (isWhole && isNext && last.isWhole && found.prev !== last.hash)
      problems.push({ seq: last.seq, text: rewritten(last.seq, found.seq) })
    for (const { from } of heads.filter((head) => head.seq === found.seq && head.hash !== found.hash))
      problems.push({ seq: found.seq, text: `row ${found.seq} is not the one that is remembered in ${from}` })
    last = { seq: found.seq, hash: found.hash, isWhole }
  }
  problems.push(...changes(changed), ...cutOff(last.seq, heads))
  return { rows, problems: problems.toSorted((a, b) => a.seq - b.seq) }
}

/** @returns null when the first row is not there, or not whole: then it tells nothing */
async function firstHash(db: Read): Promise<string | null> {
  const found = await db.selectFrom('audit').selectAll().where('seq', '=', 1).executeTakeFirst()
  const row = found ? readRow(found) : null
  return row !== null && hashOf(row) === row.hash ? row.hash : null
}

/** A state that was lost began a new log; so does somebody who has something to hide. */
function anotherLog(heads: readonly Head[]): ChainReport['problems'] {
  const far = heads.toSorted((a, b) => b.seq - a.seq)[0]
  if (far === undefined) return []
  return [{ seq: 1, text: `another log was here before: its row ${far.seq} is remembered in ${far.from}` }]
}

async function* inOrder(db: Read): AsyncGenerator<Selectable<AuditTable>> {
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const page = await auditFrom(db, { after, limit: pageRows })
    yield* page
    if (page.length < pageRows) return
    after = page.at(-1)!.seq
  }
}

/** @returns null when it is not even a row any more */
function readRow(found: Selectable<AuditTable>): AuditRow | null {
  try {
    return fromTable(found)
  } catch {
    return null
  }
}

const mostCompared = 200

/** A row that has the hash of another place was moved there. */
function changes(changed: AuditRow[]): ChainReport['problems'] {
  const seqs = changed.slice(0, mostCompared).map(({ seq }) => seq)
  const home = (row: AuditRow): number | undefined =>
    seqs.find((seq) => seq !== row.seq && hashOf({ ...row, seq }) === row.hash)
  return changed.flatMap((row) => {
    const from = seqs.includes(row.seq) ? home(row) : undefined
    if (from === undefined) return [{ seq: row.seq, text: `row ${row.seq} was changed after it was written` }]
    const back = changed.find(({ seq }) => seq === from)
    const isPair = back !== undefined && home(back) === row.seq
    if (isPair && from < row.seq) return [] // said by the other
    if (isPair) return [{ seq: row.seq, text: `rows ${row.seq} and ${from} were swapped` }]
    return [{ seq: row.seq, text: `row ${row.seq} was moved there: it was written as row ${from}` }]
  })
}

function rewritten(seq: number, next: number): string {
  if (seq === 0) return `row ${next} follows another row than none: the beginning was replaced`
  return `row ${seq} was written anew: row ${next} follows another one`
}

function missing(first: number, last: number): ChainReport['problems'][number] {
  const text = first === last ? `row ${first} was removed` : `rows ${first} to ${last} were removed`
  return { seq: first, text }
}

/** The chain itself cannot tell that its end is missing; what was remembered elsewhere can. */
function cutOff(last: number, heads: readonly Head[]): ChainReport['problems'] {
  const far = heads.toSorted((a, b) => b.seq - a.seq)[0]
  if (far === undefined || far.seq <= last) return []
  const { seq, text } = missing(last + 1, far.seq)
  return [{ seq, text: `${text}: row ${far.seq} is remembered in ${far.from}` }]
}
