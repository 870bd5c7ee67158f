import { createServer, type Server } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { SlackHttp } from '../core/config.ts'
import { requestPath } from './http.ts'
import type { HttpReceiver } from './http.ts'
import { noSocket } from './socket.ts'

export interface ListenerParts {
  receiver: HttpReceiver
  listen: SlackHttp['listen']
  clock: Clock
  /** Told at every change: listening, or why not. */
  onState: (trouble: string | null) => void
}

/** HTTP in place of Socket Mode: Slack calls us, through whatever ends TLS in front. */
export interface Listener {
  /** Resolves once the first attempt has ended either way; goes on trying until stopped. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Where Slack's requests arrive; null while nothing listens. */
  url(): string | null
}

const againMs = 10_000
const mostConnections = 64 // times the longest body is what strangers can make us hold
const drainMs = 2_000

export function createListener({ receiver, listen, clock, onState }: ListenerParts): Listener {
  const stopping = new AbortController()
  let server: Server | null = null

  async function keep(tried: () => void): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        server = await open(receiver, listen)
        onState(null)
        return
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        onState(`${noSocket}: ${listen.bind}:${listen.port} ${code ?? message}`)
      } finally {
        tried()
      }
      await clock.sleep(againMs, stopping.signal).catch(() => undefined)
    }
  }

  return {
    start() {
      const { promise, resolve } = Promise.withResolvers<void>()
      void keep(resolve)
      return promise
    },
    async stop() {
      stopping.abort()
      if (server !== null) await close(server, clock)
    },
    url() {
      const address = server?.address() ?? null
      return typeof address === 'object' && address
        ? `http://${listen.bind}:${address.port}${requestPath}`
        : null
    },
  }
}

function open(receiver: HttpReceiver, { bind, port }: SlackHttp['listen']): Promise<Server> {
  const limits = { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 60_000 }
  const server = createServer(
    { ...limits, maxHeaderSize: 16_384 },
    (request, response) => void receiver.answer(request, response),
  )
  server.maxConnections = mostConnections
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, bind, () => resolve(server))
  })
}

async function close(server: Server, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = new AbortController()
  await Promise.race([closed, clock.sleep(drainMs, timer.signal).catch(() => undefined)])
  timer.abort()
  server.closeAllConnections()
}
