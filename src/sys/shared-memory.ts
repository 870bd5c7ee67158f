import { readFileSync } from 'node:fs'

/** A segment of System V shared memory: it stays when whoever made it is killed. */
export interface Segment {
  key: number
  id: number
  bytes: number
  /** So many processes use it. */
  attached: number
}

/** All of this machine; none where there is no /proc. */
export function sharedMemory(): Segment[] {
  try {
    return readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1).map(segmentOf)
  } catch {
    return []
  }
}

/** Columns: key shmid perms size cpid lpid nattch … */
function segmentOf(line: string): Segment {
  const [key, id, , bytes, , , attached] = line.trim().split(/\s+/).map(Number)
  return { key: key!, id: id!, bytes: bytes!, attached: attached! }
}
