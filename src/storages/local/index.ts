import { unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Type } from 'typebox'
import { hasErrno, syncFolder } from '../../sys/files.ts'
import type { ObjectInfo, Storage, StorageContext, StorageDriver } from '../storage.ts'
import { checkFileKey } from '../wrap/folders.ts'
import { storageOf } from '../wrap/storage-of.ts'
import { locate, orAbsent, placeFault, pruneUp, realRoot } from './place.ts'
import { putObject } from './put.ts'
import { readObject } from './read.ts'
import { infoOf, listPage, sweepPartials } from './walk.ts'

/** A folder of this machine: a disk, or a mounted share. It is never made here: what is not mounted must not be filled. */
export const local: StorageDriver = {
  kind: 'local',
  options: Type.Object(
    {
      path: Type.String({
        minLength: 1,
        folder: true,
        description: 'Folder for the backups; it has to exist',
      }),
    },
    { additionalProperties: false },
  ),
  judge({ path }) {
    if (resolve(String(path)) !== '/') return null
    return { mistake: 'backups cannot lie in the root folder', hint: 'name a folder, such as /mnt/backups' }
  },
  open: (name, options, context) => openLocal(name, resolve(String(options.path)), context),
}

function openLocal(name: string, root: string, { clock }: StorageContext): Storage {
  /** One operation below the root as it is now: a disk may be mounted or go away at any time. */
  async function below<T>(what: string, operation: (real: string) => Promise<T>): Promise<T> {
    try {
      return await operation(await realRoot(root))
    } catch (error) {
      throw placeFault(error, what, root)
    }
  }

  return storageOf(
    {
      name,
      kind: 'local',
      location: root,
      put: (key, spool, options) =>
        below(`storing ${key}`, (real) => putObject({ real, key, clock }, spool, options)),
      get: (key, { range, signal }) => {
        const explain = (error: unknown): unknown => placeFault(error, `reading ${key}`, root)
        return below(`reading ${key}`, (real) => readObject(real, key, { range, signal, explain }))
      },
      head: (key, signal) => below(`looking for ${key}`, (real) => headObject(real, key, signal)),
      list: (prefix, cursor, signal) =>
        below('listing', (real) => listPage(real, { prefix, after: cursor ?? '', signal })),
      remove: (key, signal) => below(`removing ${key}`, (real) => removeObject(real, key, signal)),
      sweep: ({ olderThan }, signal) => below('sweeping', (real) => sweepPartials(real, olderThan, signal)),
    },
    checkFileKey,
  )
}

async function headObject(real: string, key: string, signal: AbortSignal): Promise<ObjectInfo | null> {
  signal.throwIfAborted()
  const path = await locate(real, key)
  return path === null ? null : infoOf(real, key)
}

/** The folder is synced before we return, also when an earlier try removed the name: a crash must not bring back a manifest
 * whose dump was removed after it (promise 6). */
async function removeObject(real: string, key: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!(await locate(real, key))) return
  const path = join(real, key)
  try {
    await unlink(path)
  } catch (error) {
    if (hasErrno(error, 'EISDIR', 'ENOTDIR')) return // a folder is not an object, and an object has nothing below it
    if (!hasErrno(error, 'ENOENT')) throw error
  }
  await orAbsent(syncFolder(dirname(path)))
  await pruneUp(real, dirname(path))
}
