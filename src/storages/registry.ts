import { azure } from './azure/index.ts'
import { gcs } from './gcs/index.ts'
import { local } from './local/index.ts'
import { s3 } from './s3/index.ts'
import { sftp } from './sftp/index.ts'
import type { StorageDriver } from './storage.ts'

/** Every kind of storage there is. */
export const storages: readonly StorageDriver[] = [local, s3, sftp, azure, gcs]
