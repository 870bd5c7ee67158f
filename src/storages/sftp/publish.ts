import { dirname, posix } from 'node:path'
import { taken } from '../wrap/faults.ts'
import { statusOf } from './faults.ts'
import { removeFile } from './files.ts'
import { giveLockBack, takeLock, type Claim } from './lock.ts'
import { locate, lookAt, makeFolders, pathOf, requireRoot } from './place.ts'
import type { Session } from './session.ts'

interface Publishing extends Claim {
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
        ? publishNew(session, { from, to, claim: publishing })
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
  claim: Claim
}

/** A link never replaces what is there, on no server; a rename does on some, whatever the standard says. */
async function publishNew(session: Session, names: Names): Promise<void> {
  const { from, to, claim } = names
  if (!session.offers('hardlink@openssh.com')) return publishLocked(session, names)
  try {
    await session.ask((sftp, done) => sftp.ext_openssh_hardlink(from, to, done as never))
  } catch (error) {
    if (statusOf(error) === null || statusOf(error) === 'no-such-file') throw error
    if (await lookAt(session, to)) throw taken(claim.key)
    return publishLocked(session, names) // a file system without links
  }
  await removeFile(session, from)
}

/** Without links: a lock file makes look-and-rename one step. */
async function publishLocked(session: Session, { from, to, claim }: Names): Promise<void> {
  if (!(await takeLock(session, claim, to))) throw taken(claim.key)
  try {
    if (await lookAt(session, to)) throw taken(claim.key)
    await session.ask((sftp, done) => sftp.rename(from, to, done as never))
  } finally {
    await giveLockBack(session, claim)
  }
}

/** Without the extension there is a moment in which neither is there; only the object of a check is ever replaced. */
async function replace(session: Session, from: string, to: string): Promise<void> {
  if (session.offers('posix-rename@openssh.com'))
    return session.ask((sftp, done) => sftp.ext_openssh_rename(from, to, done as never))
  await removeFile(session, to)
  await session.ask((sftp, done) => sftp.rename(from, to, done as never))
}
