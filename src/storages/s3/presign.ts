import type { Bucket } from './client.ts'

export interface Presigning {
  expiresMs: number
  /** What a browser saves it as; [A-Za-z0-9._-]. */
  filename: string
}

/** A signed link to one object. The server is not asked: who may not read, or what is not there, shows when the link is used.
 * S3 takes at most seven days, and less with credentials that end before. */
export async function presignedGet(
  bucket: Bucket,
  key: string,
  { expiresMs, filename, signal }: Presigning & { signal: AbortSignal },
): Promise<string> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3')
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const { settings } = bucket
  const command = new GetObjectCommand({
    Bucket: settings.bucket,
    Key: settings.prefix + key,
    ResponseContentDisposition: `attachment; filename="${filename}"`,
  })
  const doing = { what: `signing a link to ${key}`, right: 's3:GetObject', signal }
  return bucket.call(doing, (s3) => getSignedUrl(s3, command, { expiresIn: Math.floor(expiresMs / 1000) }))
}
