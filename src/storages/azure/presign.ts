import type { StorageSharedKeyCredential } from '@azure/storage-blob'
import type { Container } from './client.ts'

/** A link to one object, signed with the account's key; Azure is not asked. */
export async function presignedGet(
  container: Container,
  key: string,
  { expiresMs, filename }: { expiresMs: number; filename: string },
): Promise<string> {
  const { BlobSASPermissions, generateBlobSASQueryParameters, SASProtocol } =
    await import('@azure/storage-blob')
  const { settings, clock } = container
  const credential = (await container.credential()) as StorageSharedKeyCredential
  const blobName = settings.prefix + key
  const query = generateBlobSASQueryParameters(
    {
      containerName: settings.container,
      blobName,
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(clock.now() + expiresMs),
      contentDisposition: `attachment; filename="${filename}"`,
      ...(settings.endpoint.startsWith('https:') && { protocol: SASProtocol.Https }),
    },
    credential,
  )
  return `${settings.endpoint}/${settings.container}/${blobName}?${query.toString()}`
}
