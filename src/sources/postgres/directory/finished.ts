import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'

export const tocName = 'toc.dat'

/** What pg_dump has said to be finished, as it says it. */
export interface Finished {
  /** Ids in its table of contents. Ends when pg_dump ended well, and throws what it failed with. */
  items: AsyncIterable<string>
  /** @returns true = it was only said because all is well */
  line: (line: string) => boolean
  isChatter: (line: string) => boolean
  close: () => void
  fail: (error: unknown) => void
  /** Fires when either was called. */
  ended: AbortSignal
}

/** Said by the leader when a worker has closed its file, and only with `--verbose`.
 * https://github.com/postgres/postgres/blob/REL_15_STABLE/src/bin/pg_dump/pg_backup_archiver.c (mark_dump_job_done) */
const finishedItem = /^pg_dump: finished item (\d+) /
const plain = /^pg_dump: (?!error:|warning:|fatal:|detail:|hint:)/

/** @param found  told of each item at once, however late it is taken */
export function createFinished(found: (item: string) => void): Finished {
  const items = new Readable({ objectMode: true, read: () => undefined })
  const ended = new AbortController()
  const isChatter = (line: string): boolean => plain.test(line)
  items.on('error', () => undefined) // whoever waits for them throws it
  return {
    items,
    isChatter,
    line(line) {
      const item = finishedItem.exec(line)?.[1]
      if (item !== undefined && !items.destroyed) {
        found(item)
        items.push(item)
      }
      return isChatter(line)
    },
    close() {
      items.push(null)
      ended.abort(new Error('pg_dump has ended'))
    },
    fail(error) {
      items.destroy(error as Error)
      ended.abort(new Error('pg_dump has ended'))
    },
    ended: ended.signal,
  }
}

/** The files of one finished item: a table's rows, or a list of large objects (PostgreSQL 17 and newer: one of several) with one
 * file for each. */
export async function* filesOf(folder: string, item: string): AsyncGenerator<string> {
  if (await isThere(join(folder, `${item}.dat`))) return yield `${item}.dat`
  for (const list of [`blobs_${item}.toc`, 'blobs.toc'])
    if (await isThere(join(folder, list))) {
      for await (const line of createInterface({ input: createReadStream(join(folder, list)) })) {
        const name = blobFile(line)
        if (name !== null) yield name
      }
      return yield list
    }
}

/** A line of a list of large objects: `16448 blob_16448.dat`. */
export function blobFile(line: string): string | null {
  return /^\d+ (blob_\d+\.dat)$/.exec(line)?.[1] ?? null
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
