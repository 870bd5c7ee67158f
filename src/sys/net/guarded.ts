import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { formatDuration } from '../../core/duration.ts'
import { asFault, Fault } from '../../core/faults.ts'
import { judgeUrl, refuseUnlessPublic } from './addresses.ts'

/** Every address of a host, as its resolver says. */
export type Resolve = (host: string) => Promise<string[]>

export interface GuardedParts {
  /** Tests hand in their own. */
  resolve?: Resolve | undefined
  /** Certificates to trust beside the usual ones, as PEM; tests hand in theirs. */
  ca?: string | undefined
  deadlineMs?: number
}

export interface GuardedRequest {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body: string | null
  /** Hosts of the own network too, and http. */
  allowPrivate: boolean
  signal: AbortSignal
}

export interface GuardedAnswer {
  status: number
  /** Of `Retry-After`, as it was sent; null = there was none. */
  retryAfter: string | null
  /** The first of its body. */
  text: string
}

/** Requests to addresses that people write into a configuration: never to a private host, never where a redirect points, never
 * for long, never much of an answer. */
export interface Guarded {
  /** @throws Fault notifier-refused (a host that is not called) · notifier-unreachable (it may have been heard) */
  ask(url: string, asked: GuardedRequest): Promise<GuardedAnswer>
  /** Judges the address as it is now, without a request. @returns host and addresses, for people. @throws as `ask` */
  judge(url: string, allowPrivate: boolean, signal: AbortSignal): Promise<string>
}

const usualDeadlineMs = 15_000
const longestText = 2_000

export function createGuarded({
  resolve = systemResolve,
  ca,
  deadlineMs = usualDeadlineMs,
}: GuardedParts = {}): Guarded {
  return {
    async ask(written, { allowPrivate, signal, ...asked }) {
      const url = judgeUrl(written, allowPrivate)
      const dispatcher = new Agent({
        connect: guardedConnect({ resolve, allowPrivate, ca, deadlineMs }),
        pipelining: 0, // each request connects anew, and is judged anew
        allowH2: false,
      })
      const deadline = AbortSignal.timeout(deadlineMs)
      try {
        const { statusCode, headers, body } = await request(url, {
          ...asked,
          dispatcher,
          signal: AbortSignal.any([signal, deadline]),
        })
        const { 'retry-after': retryAfter } = headers
        return {
          status: statusCode,
          retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
          text: await beginningOf(body),
        }
      } catch (error) {
        throw explain(error, { url, deadlineMs, isLate: deadline.aborted })
      } finally {
        await dispatcher.destroy()
      }
    },
    async judge(written, allowPrivate, signal) {
      const url = judgeUrl(written, allowPrivate)
      const host = hostOf(url)
      if (isIP(host) !== 0) return host
      try {
        const addresses = await orAborted(resolve(host), signal)
        for (const address of addresses) refuseUnlessPublic(address, { host, allowPrivate })
        return `${host} (${addresses.join(', ')})`
      } catch (error) {
        throw explain(error, { url, deadlineMs, isLate: signal.aborted })
      }
    },
  }
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

interface Connecting {
  resolve: Resolve
  allowPrivate: boolean
  ca: string | undefined
  deadlineMs: number
}

/** A name is resolved once, by us, and what is connected to is what was judged: nothing can answer differently in between.
 * The socket's own word is looked at once more before a byte of the request leaves. */
function guardedConnect({ resolve, allowPrivate, ca, deadlineMs }: Connecting): buildConnector.connector {
  const judged: LookupFunction = (host, _options, callback) => {
    void resolve(host)
      .then((addresses) => {
        if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
        for (const address of addresses) refuseUnlessPublic(address, { host, allowPrivate })
        return addresses.map((address) => ({ address, family: isIP(address) }))
      })
      .then(
        (addresses) => callback(null, addresses),
        (error: NodeJS.ErrnoException) => callback(error, []),
      )
  }
  const connect = buildConnector({
    lookup: judged,
    autoSelectFamily: true, // so that `lookup` is asked for all addresses
    timeout: deadlineMs,
    ...(ca !== undefined && { ca }),
  } as buildConnector.BuildOptions)
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null)
      try {
        refuseUnlessPublic(socket.remoteAddress ?? '', { host: options.hostname, allowPrivate })
        callback(null, socket)
      } catch (refusal) {
        socket.destroy()
        callback(refusal as Error, null)
      }
    })
}

async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body) {
    parts.push(part)
    size += part.length
    if (size >= longestText) break
  }
  return Buffer.concat(parts).toString('utf8').slice(0, longestText)
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason as Error)
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  return Promise.race([work, promise])
}

/** In words without the address, which may hold a secret. */
function explain(
  error: unknown,
  { url, deadlineMs, isLate }: { url: URL; deadlineMs: number; isLate: boolean },
): Fault {
  if (error instanceof Fault) return error
  if (error instanceof Error && error.cause instanceof Fault) return error.cause
  const host = hostOf(url)
  const { code = '', message } = error as NodeJS.ErrnoException
  if (isLate || code.endsWith('TIMEOUT') || code === 'ETIMEDOUT')
    return unreachable(`${host} did not answer in ${formatDuration(deadlineMs)}`, error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unreachable(`there is no address for ${host}`, error)
  if (code === 'ECONNREFUSED') return unreachable(`${host} refused the connection`, error)
  if (/CERT|SIGNATURE|TLS|SSL/.test(code))
    return new Fault('notifier-refused', `the certificate of ${host} is not trusted: ${message}`, {
      hint: 'NODE_EXTRA_CA_CERTS names a file with an authority of your own',
      cause: error,
    })
  return unreachable(`the connection to ${host} broke: ${code || asFault(error).message}`, error)
}

function unreachable(text: string, cause: unknown): Fault {
  return new Fault('notifier-unreachable', text, { cause })
}
