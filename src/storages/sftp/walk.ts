import { posix } from 'node:path'
import type { FileEntryWithStats } from 'ssh2'
import type { ObjectInfo } from '../storage.ts'
import { orAbsent } from './faults.ts'
import { objectInfo, partialPrefix, requireRoot } from './place.ts'
import type { Session } from './session.ts'

const pageObjects = 1_000 // as many as S3 gives
const keyPart = /^[A-Za-z0-9._-]+$/

interface Window {
  prefix: string
  /** Only keys behind this one. */
  after: string
  signal: AbortSignal
}

/** A page of objects in key order. Only folders that can hold a wanted key are read. */
export async function listPage(
  session: Session,
  window: Window,
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  const found: ObjectInfo[] = []
  await requireRoot(session)
  await collect(session, { folder: '', found }, window)
  const page = found.slice(0, pageObjects)
  return { objects: page, cursor: found.length > pageObjects ? page.at(-1)!.key : null }
}

/** @param place its `folder` is '' or ends in '/'; one object more than a page tells that there is a next page */
async function collect(
  session: Session,
  place: { folder: string; found: ObjectInfo[] },
  window: Window,
): Promise<void> {
  window.signal.throwIfAborted()
  for (const entry of await wantedIn(session, place.folder, window)) {
    if (place.found.length > pageObjects) return
    if (entry.info) place.found.push(entry.info)
    else await collect(session, { folder: entry.name, found: place.found }, window)
  }
}

/** What the window wants of a folder, in the order of its keys: a folder's name ends in '/' and sorts where its keys belong. */
async function wantedIn(
  session: Session,
  folder: string,
  window: Window,
): Promise<{ name: string; info: ObjectInfo | null }[]> {
  const wanted: { name: string; info: ObjectInfo | null }[] = []
  for (const { filename, attrs } of await entriesOf(session, posix.join(session.root, folder))) {
    if (!keyPart.test(filename) || filename.startsWith(partialPrefix)) continue
    const key = folder + filename
    if (attrs.isDirectory() && mayHold(`${key}/`, window)) wanted.push({ name: `${key}/`, info: null })
    if (attrs.isFile() && holds(key, window)) wanted.push({ name: key, info: objectInfo(key, attrs) })
  }
  return wanted.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function holds(key: string, { prefix, after }: Window): boolean {
  return key > after && key.startsWith(prefix)
}

function mayHold(folder: string, { prefix, after }: Window): boolean {
  return (
    (folder.startsWith(prefix) || prefix.startsWith(folder)) && (folder > after || after.startsWith(folder))
  )
}

/** A folder that has gone meanwhile holds nothing. */
async function entriesOf({ ask }: Session, path: string): Promise<FileEntryWithStats[]> {
  return (await orAbsent(ask<FileEntryWithStats[]>((sftp, done) => sftp.readdir(path, done)))) ?? []
}

/** Removes partial files that nobody wrote to since `olderThan`, by the server's clock. @returns how many */
export async function sweepPartials(
  session: Session,
  olderThan: number,
  signal: AbortSignal,
): Promise<number> {
  await requireRoot(session)
  let swept = 0
  for (const { filename, attrs } of await entriesOf(session, session.root)) {
    signal.throwIfAborted()
    if (!filename.startsWith(partialPrefix) || !attrs.isFile() || attrs.mtime * 1000 >= olderThan) continue
    await orAbsent(
      session.ask((sftp, done) => sftp.unlink(posix.join(session.root, filename), done as never)),
    )
    swept++
  }
  return swept
}
