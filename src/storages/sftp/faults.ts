import { Fault } from '../../core/faults.ts'
import type { Session } from './session.ts'

export type Status = 'end' | 'no-such-file' | 'denied' | 'failure' | 'bad-name' | 'unsupported'

/** Of draft-ietf-secsh-filexfer-02, section 7; which errno becomes which is OpenSSH's own table. */
const statuses: Record<number, Status> = {
  1: 'end',
  2: 'no-such-file',
  3: 'denied',
  4: 'failure',
  5: 'bad-name',
  8: 'unsupported',
}

/** What the server answered; null when the error is not an answer of it. */
export function statusOf(error: unknown): Status | null {
  if (error instanceof Fault || !(error instanceof Error)) return null
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? (statuses[code] ?? 'failure') : null
}

/** null instead of "no such file". */
export async function orAbsent<T>(operation: Promise<T>): Promise<T | null> {
  try {
    return await operation
  } catch (error) {
    if (statusOf(error) === 'no-such-file') return null
    throw error
  }
}

/** A failed operation in our words; what is no answer of the server comes back as it is.
 * @returns Fault storage-denied · storage-missing · disk-full · disk-failed · usage */
export async function explained(error: unknown, what: string, session: Session): Promise<unknown> {
  const status = statusOf(error)
  if (status === null) return error
  const { root } = session
  const options = { cause: error }
  if (status === 'denied' || status === 'unsupported')
    return new Fault('storage-denied', `${what} is not allowed in ${root} on the server`, {
      ...options,
      hint: `let the account write there, on the server: chown -R <account> ${root}`,
    })
  if (status === 'bad-name') return new Fault('usage', `${what} failed: the name is too long`, options)
  if (status === 'no-such-file')
    return new Fault(
      'storage-unreachable',
      `${what} failed: something has gone from ${root} meanwhile`,
      options,
    )
  return (await spaceFault(what, session)) ?? failed(what, error as Error)
}

function failed(what: string, error: Error): Fault {
  return new Fault('disk-failed', `${what} failed on the server (${error.message})`, {
    hint: 'look at the disk of the server and at the quota of the account: SFTP does not say more',
    cause: error,
  })
}

interface FileSystem {
  f_bavail: number
  f_files: number
  f_favail: number
  f_flag: number
}

const readOnly = 1 // of statvfs@openssh.com

/** Most failures have no name in SFTP: what the file system says of itself tells a full disk. */
async function spaceFault(what: string, session: Session): Promise<Fault | null> {
  if (!session.offers('statvfs@openssh.com')) return null
  try {
    const disk = await session.ask<FileSystem>((sftp, done) => sftp.ext_openssh_statvfs(session.root, done))
    if ((Number(disk.f_flag) & readOnly) !== 0)
      return new Fault('storage-denied', `${what} is not possible: ${session.root} is mounted read-only`, {
        hint: 'mount it writable; a disk with errors turns read-only by itself, so look into the server’s log first',
      })
    const outOfFiles = Number(disk.f_files) > 0 && Number(disk.f_favail) === 0 // some file systems count none
    if (Number(disk.f_bavail) > 16 && !outOfFiles) return null // a few blocks may be left of a full disk
    return new Fault('disk-full', `${what}: no space left on the server`, {
      hint: 'free some space there, or shorten the retention',
    })
  } catch {
    return null // the first failure is the one to tell
  }
}
