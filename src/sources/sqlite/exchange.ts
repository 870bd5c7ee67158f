import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { companions } from './companions.ts'

/** What becomes of which file; runs in the process of work.ts. */
export interface ExchangeTask {
  /** The name that is used. */
  file: string
  beside: string
  kept: string
}

const lockedCode = 5 // SQLITE_BUSY. https://www.sqlite.org/rescode.html

const unreadableCodes = [11, 26] // SQLITE_CORRUPT, SQLITE_NOTADB

/** The old file gets a second name, then the new one takes its first in one step: at no moment is there none. Whoever has the
 * old file open would go on writing to it and leave its journal beside the new one, so nobody may. */
export function exchangeFiles({ file, beside, kept }: ExchangeTask): void {
  refuseOpen(file)
  refuseOpen(beside)
  const database = new DatabaseSync(file)
  const mode = journalOf(database)
  if (mode === null) return exchangeUnreadable({ file, beside, kept })
  try {
    // brings the log into the file and removes it; fails while anybody else has a file with a log open
    if (mode === 'wal') database.exec('PRAGMA journal_mode = DELETE')
    database.exec('BEGIN EXCLUSIVE')
    likeOld(beside, { file, mode })
    rename({ file, beside, kept })
    refuseLate({ file, beside, kept })
  } finally {
    database.close()
    if (mode === 'wal') setMode(sameFile(file, kept) || !exists(kept) ? file : kept, mode)
  }
}

/** null: SQLite cannot read the file. */
function journalOf(database: DatabaseSync): string | null {
  try {
    return String(database.prepare('PRAGMA journal_mode').get()!['journal_mode'])
  } catch (error) {
    database.close()
    if (unreadableCodes.includes((error as { errcode?: number }).errcode! & 0xff)) return null
    throw error
  }
}

/** A damaged file is what a restore is for. Nobody can lock it; what lies beside it would be taken for the new one's. */
function exchangeUnreadable({ file, beside, kept }: ExchangeTask): void {
  const left = companions.map((suffix) => file + suffix).find(exists)
  if (left) throw new Error(`${left} is in the way: move it away with the damaged file`)
  likeOld(beside, { file, mode: 'delete' })
  rename({ file, beside, kept })
  refuseLate({ file, beside, kept })
}

function rename({ file, beside, kept }: ExchangeTask): void {
  if (sameFile(file, kept)) rmSync(kept) // a process that died between the next two lines
  linkSync(file, kept)
  try {
    renameSync(beside, file)
  } catch (error) {
    rmSync(kept)
    throw error
  }
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Who opened it in the last moment has the old file: then the old file it is. */
function refuseLate({ file, beside, kept }: ExchangeTask): void {
  try {
    refuseOpen(kept)
  } catch (error) {
    rename({ file, beside: kept, kept: beside })
    throw error
  }
}

/** Owner, rights and kind of journal belong to the database and are not in its dump. */
function likeOld(beside: string, { file, mode }: { file: string; mode: string }): void {
  const old = statSync(file)
  chmodSync(beside, old.mode & 0o7777)
  const own = statSync(beside)
  if (own.uid !== old.uid || own.gid !== old.gid) chownSync(beside, old.uid, old.gid)
  setMode(beside, 'delete') // brings in what a reader of a kept file may have left
  setMode(beside, mode)
}

function setMode(file: string, mode: string): void {
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA journal_mode = ${mode}`)
  database.close()
}

function refuseOpen(file: string): void {
  const [first] = openersOf(file)
  if (first) throw Object.assign(new Error(`open in process ${first}`), { errcode: lockedCode })
}

/** Processes of this machine that have the file open, as far as this user may see. @returns e.g. `4711 (node)` */
export function openersOf(file: string): string[] {
  const wanted = statSync(file, { bigint: true })
  const has = (fd: string): boolean => {
    const found = quietly(() => statSync(fd, { bigint: true }))
    return found?.ino === wanted.ino && found.dev === wanted.dev
  }
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) =>
      (quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some((fd) => has(`/proc/${pid}/fd/${fd}`)),
    )
    .map((pid) => `${pid} (${quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '?'})`)
}

function quietly<T>(look: () => T): T | null {
  try {
    return look()
  } catch {
    return null // gone meanwhile, or another user's
  }
}

function exists(file: string): boolean {
  return quietly(() => statSync(file)) !== null
}

function sameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((file) => quietly(() => statSync(file, { bigint: true })))
  return a != null && b != null && a.ino === b.ino && a.dev === b.dev
}
