import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Listen } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import type { Health } from '../core/model.ts'

/** One word of the probes: is the process alive, may it be given work? `text` has no hosts and no secrets. */
export interface Probe {
  ok: boolean
  text: string
}

export interface HttpParts {
  /** null: no server. */
  listen: Listen | null
  health: () => Promise<Health>
  live: () => Probe
  ready: () => Probe
  log: Log
}

export interface HttpServer {
  /** The port that was bound (0 in the configuration takes a free one); null without a server. */
  port: number | null
  /** Answers what is being answered, then closes. */
  close(): Promise<void>
}

/** Serves health (product page §8), `/livez` and `/readyz`; everything else is a short 404.
 * @throws Fault config-invalid when the address cannot be bound */
export async function startHttp({ listen, ...parts }: HttpParts): Promise<HttpServer> {
  if (listen === null) return { port: null, close: () => Promise.resolve() }
  const server = await createServer()
  addHealth(server, listen.path, parts)
  addProbe(server, '/livez', parts.live)
  addProbe(server, '/readyz', parts.ready)
  try {
    await server.listen({ host: listen.bind, port: listen.port })
  } catch (error) {
    throw cannotListen(listen, error as NodeJS.ErrnoException)
  }
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : listen.port
  parts.log.info('http listens', { bind: listen.bind, port })
  return { port, close: () => server.close() }
}

/** Small limits: nobody has anything to send here, and a slow client must not hold a socket (promise 19). */
async function createServer(): Promise<FastifyInstance> {
  const { default: fastify } = await import('fastify') // commands without a server start faster
  const server = fastify({
    bodyLimit: 1024,
    requestTimeout: 5_000,
    connectionTimeout: 10_000,
    keepAliveTimeout: 5_000,
    handlerTimeout: 10_000,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 100 },
    http: { maxHeaderSize: 8192 },
  })
  server.setNotFoundHandler((_request, reply) => answer(reply, 404, { error: 'not found' }))
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return answer(reply, status, { error: status < 500 ? 'bad request' : 'not available' })
  })
  return server
}

function addHealth(server: FastifyInstance, path: string, { health, log }: Omit<HttpParts, 'listen'>): void {
  server.get(path, async (_request, reply) => {
    try {
      const now = await health()
      return await answer(reply, now.status === 'unhealthy' ? 503 : 200, now)
    } catch (error) {
      // A health that cannot be told is not healthy; why is for the log, not for the network.
      log.error('health cannot be told', { why: error instanceof Error ? error.message : String(error) })
      return answer(reply, 503, { status: 'unhealthy' })
    }
  })
}

function addProbe(server: FastifyInstance, path: string, probe: () => Probe): void {
  if (server.hasRoute({ method: 'GET', url: path })) return // the configuration put health there
  server.get(path, (_request, reply) => {
    const { ok, text } = probe()
    return answer(reply, ok ? 200 : 503, { ok, text })
  })
}

function answer(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').send(body)
}

function cannotListen({ bind, port }: Listen, error: NodeJS.ErrnoException): Fault {
  const why =
    error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be bound: ${error.message}`
  return new Fault('config-invalid', `monitoring.health_check: ${bind}:${port} ${why}`, {
    hint: 'choose another port or bind, or stop the other program',
    cause: error,
  })
}
