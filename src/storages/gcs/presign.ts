import { createHash } from 'node:crypto'
import type { Bucket } from './client.ts'

/** A link to one object, signed with the service account's key (V4); Google is not asked. It takes at most seven days. */
export async function presignedGet(
  { settings, credentials, clock }: Bucket,
  key: string,
  { expiresMs, filename }: { expiresMs: number; filename: string },
): Promise<string> {
  const { email, sign } = await credentials.signer()
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${stamp.slice(0, 8)}/auto/storage/goog4_request`
  const path = `/${encode(settings.bucket)}/${(settings.prefix + key).split('/').map(encode).join('/')}`
  const query = Object.entries({
    'X-Goog-Algorithm': 'GOOG4-RSA-SHA256',
    'X-Goog-Credential': `${email}/${scope}`,
    'X-Goog-Date': stamp,
    'X-Goog-Expires': String(Math.floor(expiresMs / 1000)),
    'X-Goog-SignedHeaders': 'host',
    'response-content-disposition': `attachment; filename="${filename}"`,
  })
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
  const { host } = new URL(settings.endpoint)
  const request = ['GET', path, query, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const digest = createHash('sha256').update(request).digest('hex')
  const signature = sign(['GOOG4-RSA-SHA256', stamp, scope, digest].join('\n')).toString('hex')
  return `${settings.endpoint}${path}?${query}&X-Goog-Signature=${signature}`
}

/** RFC 3986: everything but its unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
