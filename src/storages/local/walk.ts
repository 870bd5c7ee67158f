import type { Dirent } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectInfo } from '../storage.ts'
import { isKeyPart, pageOfFiles, partialPrefix, type Window } from '../wrap/folders.ts'
import { orAbsent, pruneUp } from './place.ts'

/** A page of objects in key order. */
export async function listPage(
  real: string,
  window: Window,
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  const { files, cursor } = await pageOfFiles(window, (folder) => entriesOf(join(real, folder)))
  const found = await Promise.all(files.map(({ key }) => infoOf(real, key)))
  return { objects: found.filter((info) => info !== null), cursor }
}

/** A folder that has gone meanwhile holds nothing. */
async function entriesOf(path: string): Promise<Dirent[]> {
  return (await orAbsent(readdir(path, { withFileTypes: true }))) ?? []
}

/** What lies at a key; null for a folder, and for what is no file of ours. */
export async function infoOf(real: string, key: string): Promise<ObjectInfo | null> {
  const found = await orAbsent(lstat(join(real, key)))
  return found?.isFile() ? { key, bytes: found.size, modifiedAt: Math.round(found.mtimeMs) } : null
}

/** Removes partial files that nobody wrote to since `olderThan`. @returns how many */
export async function sweepPartials(real: string, olderThan: number, signal: AbortSignal): Promise<number> {
  let swept = 0
  async function visit(folder: string): Promise<void> {
    signal.throwIfAborted()
    for (const entry of await entriesOf(join(real, folder))) {
      const path = join(real, folder, entry.name)
      if (entry.isDirectory() && isKeyPart(entry.name)) await visit(join(folder, entry.name))
      else if (entry.isFile() && entry.name.startsWith(partialPrefix))
        swept += await sweepFile(real, path, olderThan)
    }
  }
  await visit('')
  return swept
}

async function sweepFile(real: string, path: string, olderThan: number): Promise<number> {
  const found = await orAbsent(lstat(path))
  if (!found || found.mtimeMs >= olderThan) return 0
  await rm(path, { force: true })
  await pruneUp(real, dirname(path))
  return 1
}
