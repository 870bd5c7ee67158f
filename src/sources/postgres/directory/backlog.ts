import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Brake } from '../../../sys/brake.ts'

const mostWaiting = 1024 * 1024 * 1024 // bytes

/** Finished files that are not in the archive yet. Where the filters are slower than the workers there would soon be a second whole
 * copy: so the leader is held, and no worker is given its next table, until there is less to do. Beside the tables that are being
 * written no more than this lies in temp_dir. */
export interface Backlog {
  /** @param item of a table that a worker has just finished */
  add: (item: string) => void
  /** @param name of a file that is in the archive now */
  taken: (name: string) => void
}

export function createBacklog(folder: string, brake: Brake, most: number = mostWaiting): Backlog {
  const waiting = new Map<string, number>()
  let bytes = 0
  return {
    add(item) {
      const name = `${item}.dat`
      const size = statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0 // large objects are not counted
      waiting.set(name, size)
      bytes += size
      if (bytes > most) brake.hold()
    },
    taken(name) {
      bytes -= waiting.get(name) ?? 0
      waiting.delete(name)
      if (bytes <= most) brake.release()
    },
  }
}
