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
  /** Of health and the probes; null: they are not served. */
  listen: Listen | null
  health: () => Promise<Health>
  live: () => Probe
  ready: () => Probe
  /** Absent or null: no metrics. On the same address as health they share its server. */
  metrics?: Metrics | null
  log: Log
}

export interface Metrics {
  listen: Listen
  /** @returns the content type and the text of one scrape */
  render: () => Promise<{ type: string; text: string }>
}

export interface HttpServer {
  /** The ports that were bound (0 in the configuration takes a free one); null for what is not served. */
  port: number | null
  metricsPort: number | null
  /** Answers what is being answered, then closes. */
  close(): Promise<void>
}

/** Serves health (product page §8), `/livez`, `/readyz` and metrics; everything else is a short 404.
 * @throws Fault config-invalid when an address cannot be bound */
export async function startHttp(parts: HttpParts): Promise<HttpServer> {
  const { listen, metrics = null } = parts
  const shared =
    listen !== null && listen.bind === metrics?.listen.bind && listen.port === metrics.listen.port
  const main = listen && (await createServer())
  const other = metrics && !shared ? await createServer() : null
  if (main && listen) {
    addHealth(main, listen.path, parts)
    addProbe(main, '/livez', parts.live)
    addProbe(main, '/readyz', parts.ready)
  }
  const measured = shared ? main : other
  if (metrics && measured) addMetrics(measured, metrics, parts.log)
  const close = async (): Promise<void> => void (await Promise.all([main?.close(), other?.close()]))
  try {
    const port = main && listen && (await bind(main, { listen, setting: 'health_check', log: parts.log }))
    const own =
      other && metrics && (await bind(other, { listen: metrics.listen, setting: 'metrics', log: parts.log }))
    return { port, metricsPort: shared ? port : own, close }
  } catch (error) {
    await close() // half of what was asked for would look like all of it
    throw error
  }
}

interface Binding {
  listen: Listen
  /** Its key under `monitoring`. */
  setting: 'health_check' | 'metrics'
  log: Log
}

async function bind(server: FastifyInstance, { listen, setting, log }: Binding): Promise<number> {
  try {
    await server.listen({ host: listen.bind, port: listen.port })
  } catch (error) {
    throw cannotListen({ ...listen, setting }, error as NodeJS.ErrnoException)
  }
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : listen.port
  log.info('http listens', { bind: listen.bind, port, for: setting })
  return port
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
    // an address that is none would be repeated in Fastify's own words
    frameworkErrors: (_error, _request, reply) => void answer(reply, 400, { error: 'bad request' }),
  })
  server.setNotFoundHandler((_request, reply) => answer(reply, 404, { error: 'not found' }))
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return answer(reply, status, { error: status < 500 ? 'bad request' : 'not available' })
  })
  return server
}

function addHealth(server: FastifyInstance, path: string, { health, log }: HttpParts): void {
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

function addMetrics(server: FastifyInstance, { listen, render }: Metrics, log: Log): void {
  server.get(listen.path, async (_request, reply) => {
    try {
      const { type, text } = await render()
      return await reply.header('cache-control', 'no-store').type(type).send(text)
    } catch (error) {
      log.error('metrics cannot be told', { why: error instanceof Error ? error.message : String(error) })
      return answer(reply, 503, { error: 'not available' })
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

function cannotListen(
  { bind, port, setting }: Listen & Pick<Binding, 'setting'>,
  error: NodeJS.ErrnoException,
): Fault {
  const why =
    error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be bound: ${error.message}`
  return new Fault('config-invalid', `monitoring.${setting}: ${bind}:${port} ${why}`, {
    hint: 'choose another port or bind, or stop the other program',
    cause: error,
  })
}
