import { dirname } from 'node:path'
import type { Storage, StorageDriver } from '../storage.ts'
import { checkFileKey } from '../wrap/folders.ts'
import { storageOf } from '../wrap/storage-of.ts'
import { explained, statusOf } from './faults.ts'
import { removeFile } from './files.ts'
import { judgeOptions, settingsOf, sftpOptions } from './options.ts'
import { infoOf, locate, lookAt, pruneUp, requireRoot } from './place.ts'
import { createPool, type Pool } from './pool.ts'
import { putObject, removePartial } from './put.ts'
import { readObject } from './read.ts'
import { usualLimits, type Session } from './session.ts'
import { listPage, sweepPartials } from './walk.ts'

/** A folder on a server of SSH. It is never made here: what is not mounted must not be filled. */
export const sftp: StorageDriver = {
  kind: 'sftp',
  options: sftpOptions,
  judge: judgeOptions,
  open: (name, options, context) => openSftp(name, createPool(settingsOf(options), context, usualLimits)),
}

export function openSftp(name: string, pool: Pool): Storage {
  /** One operation that can be done again, its failure in our words. */
  function below<T>(
    what: string,
    signal: AbortSignal,
    operation: (session: Session) => Promise<T>,
  ): Promise<T> {
    return pool.repeat(signal, async (session) => {
      try {
        return await operation(session)
      } catch (error) {
        throw await explained(error, what, session)
      }
    })
  }

  return storageOf(
    {
      name,
      kind: 'sftp',
      location: pool.settings.location,
      put: (key, spool, options) => putObject(pool, key, { spool, options }),
      get: (key, wanted) => readObject(pool, key, wanted),
      head: (key, signal) => below(`looking for ${key}`, signal, (session) => infoOf(session, key)),
      list: (prefix, cursor, signal) =>
        below('listing', signal, (session) => listPage(session, { prefix, after: cursor ?? '', signal })),
      remove: (key, signal) => below(`removing ${key}`, signal, (session) => removeObject(session, key)),
      sweep: ({ olderThan }, signal) =>
        below('sweeping', signal, (session) => sweepPartials(session, olderThan, signal)),
      abandon: (key, upload, signal) => removePartial(pool, { key, partial: upload }, signal),
    },
    checkFileKey,
  )
}

/** SFTP cannot sync a folder: that the name is gone is as durable as the server's file system makes it. */
async function removeObject(session: Session, key: string): Promise<void> {
  const path = await locate(session, key)
  const found = path && (await lookAt(session, path))
  if (!found) return requireRoot(session)
  if (found.isDirectory()) return // a folder is not an object
  await removeFile(session, path!)
  try {
    await pruneUp(session, dirname(path!))
  } catch (error) {
    if (statusOf(error) === null) throw error
  }
}
