import { Type, type Static } from 'typebox'
import { basePathOf, judgeBasePath } from '../wrap/base-path.ts'

const mib = 1024 * 1024
const smallestPart = 5 * mib // S3's own limits for a part, but the last
const largestPart = 5 * 1024 * mib

const secret = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, description, secret: true }))
const text = (description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, description, examples }))

export const s3Options = Type.Object(
  {
    bucket: Type.String({ minLength: 1, description: 'Bucket; it has to exist', examples: ['my-backups'] }),
    base_path: text('Folder in the bucket, of its own for this installation', ['database-backups']),
    region: text('Region; by default as the AWS tools find it, `us-east-1` with an `endpoint`', [
      'eu-west-3',
    ]),
    endpoint: Type.Optional(
      Type.String({
        reads: 'http-url',
        description: 'Another server that speaks S3, such as MinIO, Ceph, R2 or B2',
        examples: ['https://s3.example.com'],
      }),
    ),
    force_path_style: Type.Optional(
      Type.Boolean({
        description: 'The bucket stands in the path and not in the host name; by default with an `endpoint`',
        examples: [true],
      }),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          access_key: secret('Access key'),
          secret_key: secret('Secret key'),
          session_token: secret('Session token'),
          region: text('The same as `region` beside it', ['us-east-1']),
        },
        {
          additionalProperties: false,
          description:
            'Keys; without them the default chain of AWS (environment, profile, role of the machine)',
          examples: [{ access_key: '${S3_ACCESS_KEY}', secret_key: '${S3_SECRET_KEY}' }],
        },
      ),
    ),
    sse: Type.Optional(
      Type.Unsafe<'AES256' | 'aws:kms'>({
        type: 'string',
        enum: ['AES256', 'aws:kms'],
        description: 'Encryption by the server; by default as the bucket says',
        examples: ['aws:kms'],
      }),
    ),
    kms_key_id: text('Key of `sse: aws:kms`', ['alias/backups']),
    object_lock: Type.Optional(
      Type.Object(
        {
          mode: Type.Unsafe<'governance' | 'compliance'>({
            type: 'string',
            enum: ['governance', 'compliance'],
            description: 'governance: who has the right may still delete; compliance: nobody may',
            examples: ['governance'],
          }),
          days: Type.Integer({
            minimum: 1,
            maximum: 36_500,
            description: 'So long nothing can be deleted',
            examples: [30],
          }),
        },
        {
          additionalProperties: false,
          description: 'Object Lock of every stored object; the bucket must have been made for it',
          examples: [{ mode: 'governance', days: 30 }],
        },
      ),
    ),
    storage_class: text('Storage class', ['STANDARD_IA']),
    part_size: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,15}(B|KiB|MiB|GiB)$',
        expected: 'a size such as 16MiB',
        description:
          'Size of a part of an upload, 5 MiB to 5 GiB; it grows by itself near the limit of 10,000 parts. Two parts are in memory at once',
        default: '8MiB',
        examples: ['16MiB'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Written = Static<typeof s3Options>

/** The options as the driver works with them. */
export interface Settings {
  bucket: string
  /** '' or ending in '/'. */
  prefix: string
  /** Shown to people. */
  location: string
  region: string | null
  endpoint: string | null
  pathStyle: boolean
  /** null: the default chain. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | null
  sse: 'AES256' | 'aws:kms' | null
  kmsKeyId: string | null
  lock: { mode: 'GOVERNANCE' | 'COMPLIANCE'; days: number } | null
  storageClass: string | null
  partBytes: number
  /** CRC32 of AWS; other servers refuse these headers too often, there Content-MD5 does the same. */
  checksums: boolean
}

export function settingsOf(options: Record<string, unknown>): Settings {
  const written = options as Written
  const { credentials: keys, object_lock: lock, endpoint = null } = written
  const base = basePathOf(written.base_path)
  return {
    bucket: written.bucket,
    prefix: base === '' ? '' : `${base}/`,
    location: `s3://${written.bucket}${base === '' ? '' : `/${base}`}`,
    region: written.region ?? keys?.region ?? (endpoint === null ? null : 'us-east-1'),
    endpoint,
    pathStyle: written.force_path_style ?? endpoint !== null,
    credentials:
      keys?.access_key && keys.secret_key
        ? {
            accessKeyId: keys.access_key,
            secretAccessKey: keys.secret_key,
            ...(keys.session_token && { sessionToken: keys.session_token }),
          }
        : null,
    sse: written.sse ?? null,
    kmsKeyId: written.kms_key_id ?? null,
    lock: lock ? { mode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', days: lock.days } : null,
    storageClass: written.storage_class ?? null,
    partBytes: sizeOf(written.part_size) ?? 8 * mib,
    checksums: endpoint === null,
  }
}

/** What the schema cannot tell. */
export function judgeOptions(options: Record<string, unknown>): { mistake: string; hint: string } | null {
  const written = options as Written
  const { credentials: keys = {}, region } = written
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(written.bucket))
    return {
      mistake: `"${written.bucket}" is not the name of a bucket`,
      hint: 'write its name only, such as my-backups; the folder belongs into base_path',
    }
  const odd = judgeBasePath(written.base_path)
  if (odd) return odd
  if ((keys.access_key === undefined) !== (keys.secret_key === undefined))
    return {
      mistake: 'one of the two keys is missing',
      hint: 'write access_key and secret_key, or none for the default chain',
    }
  if (keys.session_token !== undefined && keys.access_key === undefined)
    return { mistake: 'a session_token belongs to keys', hint: 'write access_key and secret_key beside it' }
  if (region !== undefined && keys.region !== undefined && region !== keys.region)
    return { mistake: `two regions, ${region} and ${keys.region}`, hint: 'keep one of them' }
  if (written.kms_key_id !== undefined && written.sse !== 'aws:kms')
    return { mistake: 'kms_key_id is for aws:kms', hint: 'write sse: "aws:kms" beside it' }
  const part = sizeOf(written.part_size)
  if (part !== null && (part < smallestPart || part > largestPart))
    return { mistake: `part_size is ${written.part_size}`, hint: 'S3 takes parts of 5MiB to 5GiB' }
  return null
}

const units: Record<string, number> = { B: 1, KiB: 1024, MiB: mib, GiB: 1024 * mib }

function sizeOf(written: string | undefined): number | null {
  const [, amount, unit] = /^(\d+)([KMG]?i?B)$/.exec(written ?? '') ?? []
  return amount === undefined ? null : Number(amount) * units[unit!]!
}
