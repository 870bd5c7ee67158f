import { checkKey } from '../../core/keys.ts'
import type { ObjectInfo } from '../storage.ts'
import type { Bucket } from './client.ts'

/** A page of objects; a page goes on behind a key, so that it can be asked for again at any time. */
export async function listPage(
  { call, settings }: Bucket,
  { prefix, cursor, signal }: { prefix: string; cursor: string | null; signal: AbortSignal },
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  const input = {
    Bucket: settings.bucket,
    Prefix: settings.prefix + prefix,
    EncodingType: 'url' as const, // any name can stand in XML then
    ...(cursor !== null && { StartAfter: settings.prefix + cursor }),
  }
  const doing = { what: `listing ${settings.location}`, right: 's3:ListBucket', signal }
  const page = await call(doing, (s3, http) => s3.listObjectsV2(input, http))
  const spell = page.EncodingType === 'url' ? fromUrl : (key: string) => key
  const found = (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
    key: spell(Key).slice(settings.prefix.length),
    bytes: Size,
    modifiedAt: LastModified?.getTime() ?? 0,
  }))
  return {
    objects: found.filter(({ key }) => isKey(key)),
    cursor: page.IsTruncated && found.length > 0 ? found.at(-1)!.key : null,
  }
}

/** What no key of ours can name is somebody else's. */
export function isKey(key: string): boolean {
  try {
    checkKey(key)
    return true
  } catch {
    return false
  }
}

function fromUrl(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
