import type { BlockBlobClient, ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { StorageContext } from '../storage.ts'
import { tryCall, type Calling } from '../wrap/retry.ts'
import { canPass, explain } from './faults.ts'
import type { Settings } from './options.ts'

/** Deadlines and numbers. */
export interface Limits {
  /** Of one call; with a block of 4 MiB that is a line of at least 0.3 Mbit/s. */
  callMs: number
  /** Tries of one call. */
  tries: number
  /** Longest time to clean up after an upload whose run was cancelled. */
  endMs: number
  blockBytes: number
  pageKeys: number
}

export const usualLimits: Limits = {
  callMs: 120_000,
  tries: 7, // with the pauses about 16 s in all: longer outages are the run's retries
  endMs: 10_000, // a stopping service has so long
  blockBytes: 4 * 1024 * 1024, // two of them are in memory at once
  pageKeys: 1_000,
}

/** One container and how to talk to it. */
export interface Container extends StorageContext {
  settings: Settings
  limits: Limits
  /** Each call with its deadline, tried again where that can help. @throws Fault · the signal's reason */
  call<Answer>(
    calling: Calling,
    send: (client: ContainerClient, http: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer>
  /** The same for one blob. */
  callBlob<Answer>(
    calling: Calling & { key: string },
    send: (blob: BlockBlobClient, http: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer>
  /** null with a token. */
  credential(): Promise<StorageSharedKeyCredential | null>
}

/** Costs nothing until the first call: the SDK is loaded then (promise of a start in under 2 s). */
export function createContainer(settings: Settings, context: StorageContext, limits: Limits): Container {
  let client: Promise<ContainerClient> | null = null
  const container: Container = {
    ...context,
    settings,
    limits,
    call: (calling, send) =>
      tryCall({ ...context, settings, limits, canPass, explain }, calling, async () => {
        client ??= connect(settings)
        const abortSignal = AbortSignal.any([calling.signal, AbortSignal.timeout(limits.callMs)])
        return send(await client, { abortSignal })
      }),
    callBlob: (calling, send) =>
      container.call(calling, (client, http) =>
        send(client.getBlockBlobClient(settings.prefix + calling.key), http),
      ),
    credential: () => credentialOf(settings),
  }
  return container
}

async function credentialOf({ account, accountKey }: Settings): Promise<StorageSharedKeyCredential | null> {
  if (accountKey === null) return null
  const { StorageSharedKeyCredential } = await import('@azure/storage-blob')
  return new StorageSharedKeyCredential(account, accountKey)
}

async function connect(settings: Settings): Promise<ContainerClient> {
  const { AnonymousCredential, ContainerClient, newPipeline } = await import('@azure/storage-blob')
  const { endpoint, container, sasToken } = settings
  const credential = (await credentialOf(settings)) ?? new AnonymousCredential()
  const pipeline = newPipeline(credential, {
    retryOptions: { maxTries: 1 }, // ours are counted by our clock
    keepAliveOptions: { enable: true },
  })
  return new ContainerClient(`${endpoint}/${container}${sasToken === null ? '' : `?${sasToken}`}`, pipeline)
}
