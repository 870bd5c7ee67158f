import { S3 } from '@aws-sdk/client-s3'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const script = new URL('../../../scripts/ceph-rgw.sh', import.meta.url).pathname
const cache = new URL('../../../node_modules/.cache/ceph-rgw', import.meta.url).pathname
const cannotHere = 3 // the script's exit code

/** Why Ceph cannot run on this machine; false when it can. Fetches its packages when they are missing. */
export function whyNoCeph(): string | false {
  const { status, stderr } = spawnSync('bash', [script, 'packages', cache], { encoding: 'utf8' })
  if (status === 0) return false
  if (status === cannotHere) return stderr.trim()
  throw new Error(`${script} packages failed: ${stderr}`)
}

export interface Ceph {
  /** For looking behind the driver. */
  s3: S3
  /** A new bucket. @returns options of the driver for it */
  makeBucket(lock?: boolean): Promise<(own?: Record<string, unknown>) => Record<string, unknown>>
  stop(): Promise<void>
}

export async function startCeph(): Promise<Ceph> {
  const folder = await mkdtemp(join(tmpdir(), 'easy-backup-ceph-'))
  const run = (...args: string[]) => promisify(execFile)('bash', [script, ...args])
  const { stdout } = await run('start', cache, folder, String(await freePorts()))
  const endpoint = stdout.trim()
  const keys = { access_key: 'ceph-access', secret_key: 'ceph-secret' }
  const s3 = new S3({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: keys.access_key, secretAccessKey: keys.secret_key },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  let buckets = 0
  return {
    s3,
    async makeBucket(lock = false) {
      const bucket = `bucket-${++buckets}`
      await s3.createBucket({ Bucket: bucket, ...(lock && { ObjectLockEnabledForBucket: true }) })
      return (own) => ({ bucket, endpoint, credentials: keys, ...own })
    },
    async stop() {
      s3.destroy()
      await run('stop', folder)
      await rm(folder, { recursive: true })
    },
  }
}

/** The first of three free ports in a row, below those that the system gives to others. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 12_000 + 3 * Math.floor(Math.random() * 6_000)
    const free = await Promise.all([first, first + 1, first + 2].map(isFree))
    if (free.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
