import { Type, type Static } from 'typebox'
import { basePathOf, judgeBasePath } from '../wrap/base-path.ts'

export const gcsOptions = Type.Object(
  {
    bucket: Type.String({ minLength: 1, description: 'Bucket; it has to exist', examples: ['my-backups'] }),
    base_path: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Folder in the bucket, of its own for this installation',
        examples: ['database-backups'],
      }),
    ),
    key_file: Type.Optional(
      Type.String({
        minLength: 1,
        folder: true,
        description:
          'Key of a service account, as JSON; without it Google’s default credentials (of the machine, `GOOGLE_APPLICATION_CREDENTIALS`, gcloud)',
        examples: ['./keys/backups.json'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        reads: 'http-url',
        description: 'Another address of the service, such as a private one',
        default: 'https://storage.googleapis.com',
        examples: ['https://storage-backups.p.googleapis.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Written = Static<typeof gcsOptions>

export interface Settings {
  bucket: string
  /** '' or ending in '/'. */
  prefix: string
  /** null: the default credentials. */
  keyFile: string | null
  endpoint: string
  /** Shown to people. */
  location: string
}

export function settingsOf(options: Record<string, unknown>): Settings {
  const { bucket, base_path, key_file = null, endpoint } = options as Written
  const base = basePathOf(base_path)
  return {
    bucket,
    prefix: base === '' ? '' : `${base}/`,
    keyFile: key_file,
    endpoint: (endpoint ?? 'https://storage.googleapis.com').replace(/\/+$/, ''),
    location: `gs://${bucket}${base === '' ? '' : `/${base}`}`,
  }
}

/** What the schema cannot tell. */
export function judgeOptions(options: Record<string, unknown>): { mistake: string; hint: string } | null {
  const { bucket, base_path } = options as Written
  if (/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)) return judgeBasePath(base_path)
  return {
    mistake: `"${bucket}" is not the name of a bucket`,
    hint: 'write its name only, such as my-backups; the folder belongs into base_path',
  }
}
