import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { Fault } from '../../core/faults.ts'
import { partialPrefix } from '../wrap/folders.ts'
import { orAbsent, statusOf } from './faults.ts'
import { removeFile, withFile, type OpenFile } from './files.ts'
import { lookAt } from './place.ts'
import type { Pool } from './pool.ts'
import { readFully } from './read.ts'
import type { Session } from './session.ts'

/** Who wants the name of an object for itself. */
export interface Claim {
  pool: Pool
  key: string
  /** Name of the partial file: it stands in the lock, so that a put knows its own again after a lost connection. */
  partial: string
  signal: AbortSignal
}

const pauseMs = 250
const longestName = 200
const mostVanished = 4 // a lock that was given back meanwhile looks like a disk that takes no file

/** Beside the partial files, one for each key: sweeping finds it there. */
export function lockPath({ root }: Session, key: string): string {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 32)
  return posix.join(root, `${partialPrefix}lock-${digest}`)
}

/** Makes the lock file of a key, which every server does only when there is none. One that a dead process left is removed once it is
 * older than any put holds it.
 * @returns false when an object has the name by now
 * @throws Fault storage-unreachable when the lock stays with others · what the server answered · the signal's reason */
export async function takeLock(session: Session, claim: Claim, object: string): Promise<boolean> {
  const { clock, limits } = claim.pool
  const lock = lockPath(session, claim.key)
  const end = clock.now() + 2 * limits.lockMs
  for (let vanished = 0; clock.now() < end;) {
    claim.signal.throwIfAborted()
    const refusal = await makeLock(session, lock, claim.partial)
    if (refusal === null || (await holderOf(session, lock)) === claim.partial) return true
    if (await lookAt(session, object)) return false
    const found = await lookAt(session, lock)
    if (!found && ++vanished === mostVanished) throw refusal
    if (found && (await serverTime(session, claim)) - found.mtime * 1000 > limits.lockMs)
      await removeFile(session, lock)
    else await clock.sleep(pauseMs, claim.signal)
  }
  throw new Fault('storage-unreachable', `storing ${claim.key}: the lock of its name stays taken`, {
    hint: 'let nothing else write to this folder',
  })
}

/** Removes the lock of a key when it is this put's own. */
export async function giveLockBack(
  session: Session,
  { key, partial }: Pick<Claim, 'key' | 'partial'>,
): Promise<void> {
  const lock = lockPath(session, key)
  if ((await holderOf(session, lock)) === partial) await removeFile(session, lock)
}

/** @returns null when it is made, else what the server said: SFTP has no name for a file that is there already */
async function makeLock(session: Session, lock: string, partial: string): Promise<unknown> {
  let made = false
  try {
    await withFile(session, { path: lock, flags: 'wx' }, (file) => {
      made = true
      return writeName(file, partial)
    })
    return null
  } catch (error) {
    if (statusOf(error) === null) throw error
    if (!made) return error
    await removeFile(session, lock)
    throw error
  }
}

function writeName({ session, handle }: OpenFile, name: string): Promise<void> {
  const bytes = Buffer.from(name)
  return session.ask((sftp, done) => sftp.write(handle, bytes, 0, bytes.length, 0, done as never))
}

/** null when there is no lock. */
function holderOf(session: Session, lock: string): Promise<string | null> {
  return orAbsent(
    withFile(session, { path: lock, flags: 'r' }, async (file) =>
      (await readFully(file, 0, longestName)).toString('latin1'),
    ),
  )
}

/** Now, by the clock that dates the locks: the date of a file just written. Epoch ms, of whole seconds. */
async function serverTime(session: Session, { partial }: Claim): Promise<number> {
  const path = posix.join(session.root, `${partial}-now`)
  await withFile(session, { path, flags: 'w' }, (file) => writeName(file, partial))
  const found = await lookAt(session, path)
  await removeFile(session, path)
  return (found?.mtime ?? 0) * 1000
}
