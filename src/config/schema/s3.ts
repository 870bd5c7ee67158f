import { Type } from 'typebox'
import { flag, group, reading, text } from './words.ts'

const secretText = (description: string) => Type.Optional(Type.String({ description, secret: true }))

/** Known, so that a file made for a bucket is understood; it comes with the next release. */
export const s3 = Type.Optional(
  group(
    {
      bucket: text({ description: 'Bucket' }),
      base_path: text({ description: 'Folder in the bucket' }),
      region: text({ description: 'Region' }),
      endpoint: text({ description: 'Another server that speaks S3' }),
      force_path_style: flag({ description: 'Bucket in the path, not in the host name' }),
      compression: Type.Optional(
        reading('compression', { description: 'Used where `compression` is not set' }),
      ),
      credentials: Type.Optional(
        group(
          {
            access_key: secretText('Access key'),
            secret_key: secretText('Secret key'),
            session_token: secretText('Session token'),
            region: text({ description: 'Region' }),
          },
          { description: 'Keys; without them the default chain of AWS' },
        ),
      ),
      sse: text({ description: 'Encryption by the server' }),
      kms_key_id: text({ description: 'Its key' }),
      object_lock: Type.Optional(Type.Unknown({ description: 'Object Lock' })),
      storage_class: text({ description: 'Storage class' }),
      part_size: text({ description: 'Size of a part' }),
    },
    {
      description: 'An S3 bucket',
      later: {
        what: 'S3',
        instead: 'write a local storage instead: storages: { disk: { type: local, path: ./backups } }',
      },
    },
  ),
)
