import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectInfo } from '../storage.ts'
import { orAbsent, pruneUp } from './place.ts'
import { partialPrefix } from './put.ts'

const pageObjects = 1_000 // as many as S3 gives
const keyPart = /^[A-Za-z0-9._-]+$/

interface Window {
  prefix: string
  /** Only keys behind this one. */
  after: string
  signal: AbortSignal
}

/** A page of objects in key order. Only folders that can hold a wanted key are read, and one page of names is held. */
export async function listPage(
  real: string,
  window: Window,
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  const keys: string[] = []
  await collect(real, { folder: '', keys }, window)
  const page = keys.slice(0, pageObjects)
  const found = await Promise.all(page.map((key) => infoOf(real, key)))
  return {
    objects: found.filter((info) => info !== null),
    cursor: keys.length > pageObjects ? page.at(-1)! : null,
  }
}

/** What lies at a key; null for a folder, and for what is no file of ours. */
export async function infoOf(real: string, key: string): Promise<ObjectInfo | null> {
  const found = await orAbsent(lstat(join(real, key)))
  return found?.isFile() ? { key, bytes: found.size, modifiedAt: Math.round(found.mtimeMs) } : null
}

/** @param place its `folder` is '' or ends in '/'; one key more than a page tells that there is a next page */
async function collect(
  real: string,
  place: { folder: string; keys: string[] },
  window: Window,
): Promise<void> {
  window.signal.throwIfAborted()
  for (const name of await namesIn(real, place.folder, window)) {
    if (place.keys.length > pageObjects) return
    const key = place.folder + name
    if (name.endsWith('/')) await collect(real, { folder: key, keys: place.keys }, window)
    else place.keys.push(key)
  }
}

function holds(key: string, { prefix, after }: Window): boolean {
  return key > after && key.startsWith(prefix)
}

function mayHold(folder: string, { prefix, after }: Window): boolean {
  return (
    (folder.startsWith(prefix) || prefix.startsWith(folder)) && (folder > after || after.startsWith(folder))
  )
}

/** Files and folders (these with '/', which also sorts them where their keys belong) that the window wants,
 * without what no key can name. */
async function namesIn(real: string, folder: string, window: Window): Promise<string[]> {
  const entries = (await orAbsent(readdir(join(real, folder), { withFileTypes: true }))) ?? []
  const names: string[] = []
  for (const entry of entries) {
    const key = folder + entry.name
    const wanted = entry.isDirectory() ? mayHold(`${key}/`, window) : entry.isFile() && holds(key, window)
    if (!wanted || !keyPart.test(entry.name) || entry.name.startsWith(partialPrefix)) continue
    names.push(entry.isDirectory() ? `${entry.name}/` : entry.name)
  }
  return names.sort()
}

/** Removes partial files that nobody wrote to since `olderThan`. @returns how many */
export async function sweepPartials(real: string, olderThan: number, signal: AbortSignal): Promise<number> {
  let swept = 0
  async function visit(folder: string): Promise<void> {
    signal.throwIfAborted()
    const entries = (await orAbsent(readdir(join(real, folder), { withFileTypes: true }))) ?? []
    for (const entry of entries) {
      const path = join(real, folder, entry.name)
      if (entry.isDirectory() && keyPart.test(entry.name)) await visit(join(folder, entry.name))
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
