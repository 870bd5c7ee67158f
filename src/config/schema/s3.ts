import { Type } from 'typebox'
import { reading } from './words.ts'

/** The place named `s3`. All its other keys are those of the driver `s3`, which judges them (check-places). */
export const s3 = Type.Optional(
  Type.Object(
    {
      compression: Type.Optional(
        reading('compression', { description: 'Used where `compression` is not set', examples: ['gzip'] }),
      ),
    },
    {
      description:
        'A bucket, as the place named `s3`; dumps go there where `storage` is not set. Its keys are those of `type: s3` below, without `type`, and this one',
      examples: [{ bucket: 'my-backups', base_path: 'databases', region: 'eu-west-3' }],
    },
  ),
)
