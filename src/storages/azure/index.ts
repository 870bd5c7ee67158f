import { checkKey, checkPrefix } from '../../core/keys.ts'
import type { Storage, StorageContext, StorageDriver } from '../storage.ts'
import { checkBucket } from '../wrap/check-bucket.ts'
import { endUpload, sweepBlocks } from './blocks.ts'
import { createContainer, usualLimits, type Limits } from './client.ts'
import { listPage } from './list.ts'
import { getObject, infoOf } from './look.ts'
import { azureOptions, judgeOptions, settingsOf } from './options.ts'
import { presignedGet } from './presign.ts'
import { putObject } from './put.ts'
import { removeObject, retainUntil } from './remove.ts'

/** A container of Azure Blob Storage. It is never made here. */
export const azure: StorageDriver = {
  kind: 'azure',
  options: azureOptions,
  judge: judgeOptions,
  readingCosts: true,
  open: (name, options, context) => openAzure(name, options, { ...context, limits: usualLimits }),
}

/** @param context with deadlines, which tests shorten */
export function openAzure(
  name: string,
  options: Record<string, unknown>,
  { limits, ...context }: StorageContext & { limits: Limits },
): Storage {
  const settings = settingsOf(options)
  const container = createContainer(settings, context, limits)
  const storage: Storage = {
    name,
    kind: 'azure',
    location: settings.location,
    put: async (key, spool, options) => {
      checkKey(key)
      return putObject(container, key, { spool, options })
    },
    get: async (key, wanted) => {
      checkKey(key)
      return getObject(container, key, wanted)
    },
    head: async (key, signal) => {
      checkKey(key)
      return infoOf(container, key, signal)
    },
    list: async (prefix, cursor, signal) => {
      checkPrefix(prefix)
      return listPage(container, { prefix, cursor, signal })
    },
    remove: async (key, signal) => {
      checkKey(key)
      return removeObject(container, key, signal)
    },
    sweep: (which, signal) => sweepBlocks(container, which, signal),
    abandon: async (key, upload, signal) => {
      checkKey(key)
      return endUpload(container, { key, upload }, signal)
    },
    retainUntil: async (key, signal) => {
      checkKey(key)
      return retainUntil(container, key, signal)
    },
    check: (signal) => checkBucket(storage, signal),
  }
  if (settings.accountKey !== null)
    storage.presign = async (key, options) => {
      checkKey(key)
      return presignedGet(container, key, options)
    }
  return storage
}
