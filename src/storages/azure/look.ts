import type { BlobGetPropertiesResponse } from '@azure/storage-blob'
import type { Readable } from 'node:stream'
import { Fault } from '../../core/faults.ts'
import type { ObjectInfo } from '../storage.ts'
import { intoRoom, readInWindows, type AskedWindow, type Window } from '../wrap/windows.ts'
import type { Container } from './client.ts'
import { answered } from './faults.ts'

/** What Azure says of an object; null when there is none. @throws Fault storage-missing when there is not even the container */
export async function lookAt(
  container: Container,
  key: string,
  signal: AbortSignal,
): Promise<BlobGetPropertiesResponse | null> {
  const doing = { what: `looking for ${key}`, right: 'read', signal, key }
  try {
    return await container.callBlob(doing, (blob, http) => blob.getProperties(http))
  } catch (error) {
    if (answered(error, 'BlobNotFound')) return null
    if (!answered(error, 404) || answered(error, 'ContainerNotFound')) throw error
    await requireContainer(container, signal) // an answer to HEAD need not say what is not there
    return null
  }
}

export async function infoOf(
  container: Container,
  key: string,
  signal: AbortSignal,
): Promise<ObjectInfo | null> {
  const found = await lookAt(container, key, signal)
  return found && { key, bytes: found.contentLength ?? 0, modifiedAt: found.lastModified?.getTime() ?? 0 }
}

/** @throws Fault storage-missing */
async function requireContainer(container: Container, signal: AbortSignal): Promise<void> {
  const doing = { what: 'looking for the container', right: 'list', signal }
  await container.call(doing, (client, http) =>
    client
      .listBlobsFlat({ ...http, prefix: '-' })
      .byPage({ maxPageSize: 1 })
      .next(),
  )
}

/** An object's bytes. @throws Fault object-missing · storage-missing */
export function getObject(
  container: Container,
  key: string,
  { range, signal }: { range?: { start: number; end: number } | undefined; signal: AbortSignal },
): Promise<Readable> {
  return readInWindows({
    range,
    signal,
    fetch: (asked) => fetchWindow(container, key, asked),
  })
}

async function fetchWindow(container: Container, key: string, asked: AskedWindow): Promise<Window | null> {
  const { start, end, version, room, signal } = asked
  const doing = { what: `reading ${key}`, right: 'read', signal, key }
  const conditions = version === null ? {} : { conditions: { ifMatch: version } }
  try {
    return await container.callBlob(doing, async (blob, http) => {
      const answer = await blob.download(start, end - start + 1, {
        ...http,
        ...conditions,
        maxRetryRequests: 0,
      })
      const bytes = await intoRoom(answer.readableStreamBody as AsyncIterable<Buffer>, room)
      const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.contentRange ?? '') ?? []
      if (Number(from) !== start || bytes.length !== answer.contentLength)
        throw new Fault('storage-unreachable', `${doing.what}: another part was sent than was asked for`)
      return { bytes, total: Number(total), version: answer.etag ?? '' }
    })
  } catch (error) {
    if (answered(error, 416)) return null
    if (version !== null && answered(error, 412, 404))
      throw new Fault('object-corrupt', `${key} was replaced or removed while it was read`, { cause: error })
    throw error
  }
}
