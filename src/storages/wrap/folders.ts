import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/faults.ts'
import { checkKey, suffix } from '../../core/keys.ts'

/** Beginning of the name of a file that is still being written; such names are never listed, and swept by age. */
export const partialPrefix = '.partial-'

export function partialName(clock: Clock): string {
  return partialPrefix + Array.from({ length: 3 }, () => suffix(() => clock.random())).join('')
}

/** A name of ours for unfinished files would be invisible and swept. @throws Fault usage */
export function checkFileKey(key: string): void {
  checkKey(key)
  if (key.split('/').some((segment) => segment.startsWith(partialPrefix)))
    throw new Fault('usage', `a key cannot have a part that begins with ${partialPrefix}`)
}

export function symlinkFault(key: string): Fault {
  return new Fault('storage-denied', `a symbolic link is in the way of ${key}`, {
    hint: 'replace the link by a real folder or file; only the storage folder itself may be a link',
  })
}

export function fileInTheWay(folder: string, key: string): Fault {
  return new Fault('storage-exists', `${folder} is an object, so ${key} cannot lie below it`)
}

const pageObjects = 1_000 // as many as S3 gives

/** Whether a key can pass through it; anything else is somebody else's. */
export const isKeyPart = (name: string): boolean => /^[A-Za-z0-9._-]+$/.test(name)

/** What of the objects is wanted. */
export interface Window {
  prefix: string
  /** Only keys behind this one. */
  after: string
  signal: AbortSignal
}

/** What a folder holds. */
export interface Entry {
  name: string
  isFile(): boolean
  isDirectory(): boolean
}

interface Found<E extends Entry> {
  /** Of a folder it ends in '/', which sorts it where its keys belong. */
  key: string
  entry: E
}

/** A page of files in the order of their keys. Only folders that can hold a wanted key are read.
 * @param entriesIn of a folder that is '' or ends in '/' */
export async function pageOfFiles<E extends Entry>(
  window: Window,
  entriesIn: (folder: string) => Promise<E[]>,
): Promise<{ files: Found<E>[]; cursor: string | null }> {
  const found: Found<E>[] = []
  async function collect(folder: string): Promise<void> {
    window.signal.throwIfAborted()
    for (const one of wanted(await entriesIn(folder), folder, window)) {
      if (found.length > pageObjects) return // one more than a page tells that there is a next one
      if (one.entry.isFile()) found.push(one)
      else await collect(one.key)
    }
  }
  await collect('')
  const files = found.slice(0, pageObjects)
  return { files, cursor: found.length > pageObjects ? files.at(-1)!.key : null }
}

function wanted<E extends Entry>(entries: E[], folder: string, window: Window): Found<E>[] {
  return entries
    .filter(({ name }) => isKeyPart(name) && !name.startsWith(partialPrefix))
    .map((entry) => ({ key: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`, entry }))
    .filter(
      ({ key, entry }) =>
        (entry.isFile() && holds(key, window)) || (entry.isDirectory() && mayHold(key, window)),
    )
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function holds(key: string, { prefix, after }: Window): boolean {
  return key > after && key.startsWith(prefix)
}

function mayHold(folder: string, { prefix, after }: Window): boolean {
  return (
    (folder.startsWith(prefix) || prefix.startsWith(folder)) && (folder > after || after.startsWith(folder))
  )
}
