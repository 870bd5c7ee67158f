import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../playground/servers/free-port.ts'
import { silentLog } from '../../src/core/log.ts'
import { createContainer, usualLimits, type Limits } from '../../src/storages/azure/client.ts'
import { openAzure } from '../../src/storages/azure/index.ts'
import { settingsOf } from '../../src/storages/azure/options.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { hastyClock } from './hasty-clock.ts'

/** Microsoft's own stand-in for Azure Blob Storage, in memory, strict (`--loose` is not given). */
export interface Azurite {
  endpoint: string
  account: string
  accountKey: string
  /** A fresh container. */
  container(): Promise<string>
  /** Of all blobs in it, in order; those that only have blocks unless they are left out. */
  names(container: string, unfinished?: boolean): Promise<string[]>
  options(container: string, own?: Record<string, unknown>): Record<string, unknown>
  open(container: string, own?: { options?: Record<string, unknown>; limits?: Partial<Limits> }): Storage
  close(): Promise<void>
}

const context = { clock: hastyClock, log: silentLog }
const account = 'easybackup'
const accountKey = Buffer.from('a key of tests, known to all').toString('base64')
const program = join(import.meta.dirname, '../../node_modules/azurite/dist/src/blob/main.js')

/** Its standard input ends when we do, however that happens; then it ends, too. */
const watch = `
"$1" "$2" --inMemoryPersistence --disableTelemetry --skipApiVersionCheck --silent --blobHost 127.0.0.1 --blobPort "$3" </dev/null &
server=$!
cat >/dev/null
kill -KILL $server
wait $server 2>/dev/null
`

export async function startAzurite(): Promise<Azurite> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'eb-azurite-'))
  const child = spawn('sh', ['-c', watch, 'sh', process.execPath, program, String(port)], {
    cwd: folder, // it writes its notes where it stands
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${accountKey}` },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = once(child, 'exit')
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error('azurite did not start')
    await systemClock.sleep(50)
  }
  const endpoint = `http://127.0.0.1:${port}/${account}`
  const options = (container: string, own: Record<string, unknown> = {}): Record<string, unknown> => ({
    account,
    account_key: accountKey,
    endpoint,
    container,
    base_path: 'backups/shop',
    ...own,
  })
  const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, accountKey))
  let made = 0
  return {
    endpoint,
    account,
    accountKey,
    options,
    async container() {
      const name = `place-${++made}`
      await service.createContainer(name)
      return name
    },
    async names(container, includeUncommitedBlobs = true) {
      const found: string[] = []
      const client = service.getContainerClient(container)
      for await (const { name } of client.listBlobsFlat({ includeUncommitedBlobs })) found.push(name)
      return found.toSorted()
    },
    open: (container, { options: own = {}, limits = {} } = {}) =>
      openAzure(
        'azure',
        createContainer(settingsOf(options(container, own)), context, { ...usualLimits, ...limits }),
      ),
    async close() {
      child.stdin.end()
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
