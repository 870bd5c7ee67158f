import type { Storage, StorageDriver } from '../storage.ts'
import { storageOf } from '../wrap/storage-of.ts'
import { endUpload, sweepBlocks } from './blocks.ts'
import { createContainer, usualLimits, type Container } from './client.ts'
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
  open: (name, options, context) =>
    openAzure(name, createContainer(settingsOf(options), context, usualLimits)),
}

export function openAzure(name: string, container: Container): Storage {
  const { settings } = container
  return storageOf({
    name,
    kind: 'azure',
    location: settings.location,
    put: (key, spool, options) => putObject(container, key, { spool, options }),
    get: (key, wanted) => getObject(container, key, wanted),
    head: (key, signal) => infoOf(container, key, signal),
    list: (prefix, cursor, signal) => listPage(container, { prefix, cursor, signal }),
    remove: (key, signal) => removeObject(container, key, signal),
    sweep: (which, signal) => sweepBlocks(container, which, signal),
    abandon: (key, upload, signal) => endUpload(container, { key, upload }, signal),
    retainUntil: (key, signal) => retainUntil(container, key, signal),
    ...(settings.accountKey !== null && {
      presign: (key, options) => presignedGet(container, key, options),
    }),
  })
}
