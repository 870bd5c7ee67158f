import type { Client, SFTPWrapper } from 'ssh2'
import { Fault } from '../../core/faults.ts'
import { connectSsh } from '../../sys/ssh/connect.ts'
import { statusOf } from './faults.ts'
import type { Settings } from './options.ts'

/** Deadlines and numbers of tries. */
export interface Limits {
  connectMs: number
  /** No answer to anything for so long: the connection is given up. */
  stallMs: number
  /** An unused connection is closed after so long. */
  idleMs: number
  /** Tries of one operation, each on a connection of its own. */
  tries: number
  /** Longest time to clean up after an upload whose run was cancelled. */
  endMs: number
  /** A lock this old was left by a dead process: it is held for two requests only. */
  lockMs: number
}

export const usualLimits: Limits = {
  connectMs: 20_000,
  stallMs: 60_000,
  idleMs: 3_000,
  tries: 6, // with the pauses between them about 6 s: longer outages are the run's retries
  endMs: 10_000,
  lockMs: 15_000,
}

/** Called back with an error or an answer. */
export type Done<Answer> = (error: Error | null | undefined, answer: Answer) => void

/** One connection with its one channel of SFTP; any number of requests may wait for their answers. */
export interface Session {
  /** The storage's folder, symlinks resolved. */
  root: string
  offers(extension: string): boolean
  /** One request. @throws what the server answered · Fault storage-unreachable when the connection is lost meanwhile */
  ask<Answer = void>(send: (sftp: SFTPWrapper, done: Done<Answer>) => void): Promise<Answer>
  /** Why it can no longer be used; null while it can. */
  lost(): Fault | null
  close(): void
}

/** @throws Fault storage-unreachable · storage-denied · storage-missing · the signal's reason */
export async function openSession(settings: Settings, limits: Limits, signal: AbortSignal): Promise<Session> {
  const { server, path } = settings
  const faults = { unreachable: 'storage-unreachable', refused: 'storage-denied' } as const
  const client = await connectSsh(server, { signal, timeoutMs: limits.connectMs, faults })
  const requests = createRequests(client, settings, limits)
  try {
    const sftp = await requests.until<SFTPWrapper>((done) => client.sftp(done as never))
    sftp.on('error', () => client.destroy()) // what the server sends is not SFTP
    sftp.on('close', () => client.destroy())
    const ask: Session['ask'] = (send) => requests.until((done) => send(sftp, done))
    const root = await realRoot(ask, path)
    const offered = (sftp as unknown as { _extensions: Record<string, string> })._extensions
    return { root, ask, offers: (name) => name in offered, lost: requests.lost, close: () => client.end() }
  } catch (error) {
    client.destroy()
    throw noSubsystem(error, settings)
  }
}

interface Requests {
  until<Answer>(send: (done: Done<Answer>) => void): Promise<Answer>
  lost(): Fault | null
}

/** The library forgets who waits when a connection ends: here each of them is told. */
function createRequests(client: Client, { location }: Settings, { stallMs }: Limits): Requests {
  const waiting = new Set<(fault: Fault) => void>()
  let lost: Fault | null = null
  let answers = 0

  function lose(why: string, cause?: unknown): void {
    lost ??= new Fault('storage-unreachable', `the connection to ${location} was lost: ${why}`, {
      hint: 'check that the server is up and can be reached from here',
      cause,
    })
    for (const reject of waiting) reject(lost)
    waiting.clear()
    client.destroy()
  }
  client.on('error', (error) => lose(error.message, error))
  client.on('close', () => lose('it was closed'))

  /** One look for all requests; a timer of its own for each of thousands would cost more than they do. */
  function watch(seen: number): void {
    AbortSignal.timeout(stallMs).addEventListener('abort', () => {
      if (lost) return
      if (waiting.size > 0 && answers === seen) lose(`nothing was answered for ${stallMs / 1000} s`)
      else watch(answers)
    })
  }
  watch(-1)

  function until<Answer>(send: (done: Done<Answer>) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (lost) return reject(lost)
      waiting.add(reject)
      send((error, answer) => {
        answers++
        waiting.delete(reject)
        if (error) reject(lost ?? error)
        else resolve(answer)
      })
    })
  }
  return { until, lost: () => lost }
}

/** @throws Fault storage-missing */
async function realRoot(ask: Session['ask'], path: string): Promise<string> {
  const missing = (what: string, cause?: unknown): Fault =>
    new Fault('storage-missing', `${path} is ${what} on the server`, {
      hint: `mount the disk that belongs there, or make the folder on the server: mkdir -p ${path}`,
      cause,
    })
  try {
    const real = await ask<string>((sftp, done) => sftp.realpath(path, done))
    const found = await ask<{ isDirectory(): boolean }>((sftp, done) => sftp.stat(real, done))
    if (found.isDirectory()) return real
  } catch (error) {
    if (statusOf(error) === 'no-such-file') throw missing('not there', error)
    throw error
  }
  throw missing('not a folder')
}

function noSubsystem(error: unknown, { location }: Settings): unknown {
  if (error instanceof Fault || statusOf(error) !== null) return error
  return new Fault('storage-denied', `${location} lets us log in, but offers no SFTP`, {
    hint: 'switch it on in sshd_config of the server: Subsystem sftp internal-sftp',
    cause: error,
  })
}
