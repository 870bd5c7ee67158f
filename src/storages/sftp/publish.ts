import { dirname, posix } from 'node:path'
import { Fault } from '../../core/faults.ts'
import { statusOf } from './faults.ts'
import { removeFile, withFile } from './files.ts'
import { locate, lookAt, makeFolders, partialPrefix, pathOf, requireRoot } from './place.ts'
import type { Session } from './session.ts'

interface Publishing {
  key: string
  /** Name of the whole file that becomes the object. */
  partial: string
  ifAbsent: boolean
}

const attempts = 10

/** Makes the whole file visible at once. A folder that somebody prunes as empty meanwhile is made again. */
export async function publish(session: Session, publishing: Publishing): Promise<void> {
  const from = posix.join(session.root, publishing.partial)
  const to = pathOf(session, publishing.key)
  for (let attempt = 1; ; attempt++) {
    try {
      if ((await locate(session, publishing.key)) === null || !(await lookAt(session, dirname(to))))
        await makeFolders(session, publishing.key)
      return await (publishing.ifAbsent
        ? publishNew(session, { from, to, key: publishing.key })
        : replace(session, from, to))
    } catch (error) {
      if (statusOf(error) !== 'no-such-file') throw error
      await requireRoot(session)
      if (attempt === attempts || !(await lookAt(session, from))) throw error
    }
  }
}

interface Names {
  from: string
  to: string
  key: string
}

/** A link never replaces what is there, on no server; a rename does on some, whatever the standard says. */
async function publishNew(session: Session, names: Names): Promise<void> {
  const { from, to, key } = names
  if (!session.offers('hardlink@openssh.com')) return publishLocked(session, names)
  try {
    await session.ask((sftp, done) => sftp.ext_openssh_hardlink(from, to, done as never))
  } catch (error) {
    if (statusOf(error) === null || statusOf(error) === 'no-such-file') throw error
    if (await lookAt(session, to)) throw taken(key)
    return publishLocked(session, names) // a file system without links
  }
  await removeFile(session, from)
}

/** Without links: a lock file beside the partial ones makes look-and-rename one step, for making a file only when there is none is
 * in the oldest servers. A lock left by a crash is swept like any partial file. */
async function publishLocked(session: Session, { from, to, key }: Names): Promise<void> {
  const lock = posix.join(session.root, `${partialPrefix}lock-${posix.basename(key)}`)
  try {
    await withFile(session, { path: lock, flags: 'wx' }, async () => {})
  } catch (error) {
    if (statusOf(error) !== null && (await lookAt(session, lock))) throw taken(key)
    throw error
  }
  try {
    if (await lookAt(session, to)) throw taken(key)
    await session.ask((sftp, done) => sftp.rename(from, to, done as never))
  } finally {
    await removeFile(session, lock)
  }
}

/** Without the extension there is a moment in which neither is there; only the object of a check is ever replaced. */
async function replace(session: Session, from: string, to: string): Promise<void> {
  if (session.offers('posix-rename@openssh.com'))
    return session.ask((sftp, done) => sftp.ext_openssh_rename(from, to, done as never))
  await removeFile(session, to)
  await session.ask((sftp, done) => sftp.rename(from, to, done as never))
}

export function taken(key: string): Fault {
  return new Fault('storage-exists', `${key} is already stored`)
}
