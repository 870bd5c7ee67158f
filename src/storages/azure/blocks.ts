import { Fault } from '../../core/faults.ts'
import { isKey } from '../../core/keys.ts'
import type { Sweep } from '../storage.ts'
import type { Container } from './client.ts'
import { answered } from './faults.ts'
import { lookAt } from './look.ts'

/** The name of an upload: when it began, and chance. It begins the names of all its blocks, for Azure keeps no uploads, only blocks. */
export function nameUpload({ clock }: Container): string {
  const chance = Array.from({ length: 12 }, () => Math.floor(clock.random() * 36).toString(36)).join('')
  return `eb-${String(clock.now()).padStart(14, '0')}-${chance}`
}

const uploadName = /^eb-(\d{14})-[a-z0-9]{12}$/

/** All names of blocks of a blob must be of one length. @param number 1 for the first */
export function blockId(upload: string, number: number): string {
  return Buffer.from(`${upload}-${String(number).padStart(6, '0')}`).toString('base64')
}

function uploadOf(id: string): string {
  return Buffer.from(id, 'base64').toString('latin1').slice(0, -7)
}

export interface Block {
  name: string
  size: number
}

/** Blocks that wait for their commit, and those the object is made of; both empty when there is nothing at all. */
export async function blocksOf(
  container: Container,
  key: string,
  signal: AbortSignal,
): Promise<{ waiting: Block[]; object: Block[] }> {
  const doing = { what: `looking for blocks of ${key}`, right: 'read', signal, key }
  try {
    const found = await container.callBlob(doing, (blob, http) => blob.getBlockList('all', http))
    return { waiting: found.uncommittedBlocks ?? [], object: found.committedBlocks ?? [] }
  } catch (error) {
    if (answered(error, 'BlobNotFound')) return { waiting: [], object: [] }
    throw error
  }
}

const endings = 5
const pauseMs = 500

/** Azure has no word for giving up an upload, and keeps its blocks for a week: an empty object in their place, removed at once,
 * takes them away. What is an object already keeps its waiting blocks until they vanish: nothing is risked for them. The same
 * where a policy would keep the empty object.
 * @throws Fault storage-denied · storage-unreachable */
export async function endUpload(
  container: Container,
  { key, upload }: { key: string; upload: string },
  signal: AbortSignal,
): Promise<void> {
  for (let tried = 1; tried <= endings; tried++) {
    const { waiting } = await blocksOf(container, key, signal)
    if (!waiting.some(({ name }) => uploadOf(name) === upload)) return
    if ((await lookAt(container, key, signal)) || (await keepsEverything(container, signal))) return
    await replaceByNothing(container, key, signal)
    // a block that was still arriving may come behind the empty object
    if ((await blocksOf(container, key, signal)).waiting.length === 0) return
    await container.clock.sleep(pauseMs * tried, signal)
  }
  throw new Fault('storage-unreachable', `the upload of ${key} was ended, but its blocks are still there`)
}

async function replaceByNothing(container: Container, key: string, signal: AbortSignal): Promise<void> {
  const what = `ending the upload of ${key}`
  try {
    const { etag } = await container.callBlob({ what, right: 'create', signal, key }, (blob, http) =>
      blob.commitBlockList([], { ...http, conditions: { ifNoneMatch: '*' } }),
    )
    await container.callBlob({ what, right: 'delete', signal, key }, (blob, http) =>
      blob.deleteIfExists({ ...http, ...(etag !== undefined && { conditions: { ifMatch: etag } }) }),
    )
  } catch (error) {
    if (!answered(error, 'BlobAlreadyExists', 412)) throw error // it became an object meanwhile
  }
}

/** A policy of the container keeps whatever is stored, also an empty object. */
async function keepsEverything(container: Container, signal: AbortSignal): Promise<boolean> {
  const doing = {
    what: `looking at container ${container.settings.container}`,
    right: 'read',
    signal,
  }
  try {
    const found = await container.call(doing, (client, http) => client.getProperties(http))
    return found.hasImmutabilityPolicy === true || found.hasLegalHold === true
  } catch (error) {
    if (answered(error, 403)) return false // tokens for objects may not look
    throw error
  }
}

/** Ends uploads begun before `olderThan`; others may share the container, so only ours. @returns how many */
export async function sweepBlocks(
  container: Container,
  { olderThan, isOurs }: Sweep,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0
  for await (const key of unfinished(container, signal)) {
    if (!isKey(key) || !isOurs(key)) continue
    const { waiting } = await blocksOf(container, key, signal)
    const old = waiting.map(({ name }) => uploadOf(name)).find((upload) => begunAt(upload) < olderThan)
    if (old === undefined) continue
    await endUpload(container, { key, upload: old }, signal)
    swept++
  }
  return swept
}

/** Infinity for blocks of somebody else. */
function begunAt(upload: string): number {
  return Number(uploadName.exec(upload)?.[1] ?? Infinity)
}

/** Keys that have only blocks: those are listed when they are asked for, with no length. */
async function* unfinished(container: Container, signal: AbortSignal): AsyncGenerator<string> {
  const { prefix, location } = container.settings
  const doing = { what: `listing unfinished uploads of ${location}`, right: 'list', signal }
  let marker: string | undefined
  do {
    const from = marker
    const page = await container.call(doing, async (client, http) => {
      const options = { ...http, prefix, includeUncommitedBlobs: true }
      const pages = client.listBlobsFlat(options).byPage({
        maxPageSize: container.limits.pageKeys,
        ...(from !== undefined && { continuationToken: from }),
      })
      return (await pages.next()).value
    })
    for (const { name, properties } of page?.segment.blobItems ?? [])
      if ((properties.contentLength ?? 0) === 0) yield name.slice(prefix.length)
    marker = page?.continuationToken === '' ? undefined : page?.continuationToken
  } while (marker !== undefined)
}
