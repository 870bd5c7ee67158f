import { dirname } from 'node:path'
import { Fault } from '../../core/faults.ts'
import { checkKey, checkPrefix } from '../../core/keys.ts'
import type { Storage, StorageContext, StorageDriver } from '../storage.ts'
import { checkByUse } from '../wrap/check.ts'
import { explained, statusOf } from './faults.ts'
import { removeFile } from './files.ts'
import { judgeOptions, settingsOf, sftpOptions } from './options.ts'
import { infoOf, locate, lookAt, partialPrefix, pruneUp, requireRoot } from './place.ts'
import { createPool } from './pool.ts'
import { putObject, removePartial } from './put.ts'
import { readObject } from './read.ts'
import { usualLimits, type Limits, type Session } from './session.ts'
import { listPage, sweepPartials } from './walk.ts'

/** A folder on a server of SSH. It is never made here: what is not mounted must not be filled. */
export const sftp: StorageDriver = {
  kind: 'sftp',
  options: sftpOptions,
  judge: judgeOptions,
  open: (name, options, context) => openSftp(name, options, { ...context, limits: usualLimits }),
}

/** @param context with deadlines, which tests shorten */
export function openSftp(
  name: string,
  options: Record<string, unknown>,
  { limits, ...context }: StorageContext & { limits: Limits },
): Storage {
  const settings = settingsOf(options)
  const pool = createPool(settings, context, limits)

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

  const storage: Storage = {
    name,
    kind: 'sftp',
    location: settings.location,
    put: async (key, spool, options) => {
      checkObjectKey(key)
      return putObject(pool, key, { spool, options })
    },
    get: async (key, wanted) => {
      checkObjectKey(key)
      return readObject(pool, key, wanted)
    },
    head: async (key, signal) => {
      checkObjectKey(key)
      return below(`looking for ${key}`, signal, (session) => infoOf(session, key))
    },
    list: async (prefix, cursor, signal) => {
      checkPrefix(prefix)
      return below('listing', signal, (session) => listPage(session, { prefix, after: cursor ?? '', signal }))
    },
    remove: async (key, signal) => {
      checkObjectKey(key)
      return below(`removing ${key}`, signal, (session) => removeObject(session, key))
    },
    sweep: ({ olderThan }, signal) =>
      below('sweeping', signal, (session) => sweepPartials(session, olderThan, signal)),
    abandon: async (key, upload, signal) => {
      checkObjectKey(key)
      return removePartial(pool, { key, partial: upload }, signal)
    },
    check: (signal) => checkByUse(storage, context.clock, signal),
  }
  return storage
}

/** A name of ours for unfinished files would be invisible and swept. */
function checkObjectKey(key: string): void {
  checkKey(key)
  if (key.split('/').some((segment) => segment.startsWith(partialPrefix)))
    throw new Fault('usage', `a key cannot have a part that begins with ${partialPrefix}`)
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
