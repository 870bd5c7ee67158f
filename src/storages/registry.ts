import { local } from './local/index.ts'
import type { StorageDriver } from './storage.ts'

/** Every kind of storage there is. */
export const storages: readonly StorageDriver[] = [local]
