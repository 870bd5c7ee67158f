import type { ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob'
import { isKey } from '../../core/keys.ts'
import type { ObjectInfo } from '../storage.ts'
import type { Container } from './client.ts'

type Page = { objects: ObjectInfo[]; cursor: string | null }

/** A page of objects in key order. Azure may cut a page before its first object: that is not the end. */
export async function listPage(
  container: Container,
  { prefix, cursor, signal }: { prefix: string; cursor: string | null; signal: AbortSignal },
): Promise<Page> {
  const { settings, limits } = container
  const doing = { what: `listing ${settings.location}`, right: 'list', signal }
  const page: ContainerListBlobFlatSegmentResponse | undefined = await container.call(
    doing,
    async (client, http) => {
      const pages = client.listBlobsFlat({ ...http, prefix: settings.prefix + prefix }).byPage({
        maxPageSize: limits.pageKeys,
        ...(cursor !== null && { continuationToken: cursor }),
      })
      return (await pages.next()).value
    },
  )
  const objects = (page?.segment.blobItems ?? [])
    .map(({ name, properties }) => ({
      key: name.slice(settings.prefix.length),
      bytes: properties.contentLength ?? 0,
      modifiedAt: properties.lastModified.getTime(),
    }))
    .filter(({ key }) => isKey(key))
  const next = page?.continuationToken ?? ''
  if (next !== '' && objects.length === 0) return listPage(container, { prefix, cursor: next, signal })
  return { objects, cursor: next === '' ? null : next }
}
