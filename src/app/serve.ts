import type { Log } from '../core/log.ts'
import { serviceActor } from '../core/model.ts'
import type { EngineContext } from '../engine/context.ts'
import { figuresOf } from '../engine/figures.ts'
import type { Service } from '../engine/service.ts'
import { tellStarted, tellStopped } from '../engine/silence.ts'
import { startHttp, type HttpServer } from '../http/server.ts'
import type { SlackFace } from '../slack/app.ts'

export interface Serving {
  context: EngineContext
  log: Log
  service: Service
  slack: SlackFace | null
}

/** The long-running service: the engine leads, the faces answer, until the signal. */
export async function serve(serving: Serving, signal: AbortSignal): Promise<void> {
  const { context, log, service, slack } = serving
  const { warnings, strategies } = context.config
  // a library that loses a promise must never end the backups (slack.md: Socket Mode rejects unhandled)
  process.on('unhandledRejection', (reason) =>
    log.error('an error was not handled', { error: String(reason) }),
  )
  process.on('SIGHUP', () => void service.engine.reload(serviceActor).catch(() => undefined)) // the log has the mistakes
  for (const warning of warnings) log.warn('the configuration is doubtful', { warning })
  let http: HttpServer | null = null
  try {
    // Only who leads takes ports and clicks: a second instance hears that it is one, and Slack shares nothing out to it.
    await service.lead(
      signal,
      async () => {
        http = await listen(serving)
        void slack?.start() // it is not waited for: its absence delays no work
        await watchSilence(serving)
        log.info('easy-backup serves', { strategies: strategies.length, version: context.version })
      },
      () => stopOnPurpose(serving),
    )
  } finally {
    await slack?.stop()
    if (http) {
      await (http as HttpServer).close()
      log.info('easy-backup stopped', {})
    }
  }
}

/** While the scheduler makes its passes, Slack is kept from saying that nothing is heard of this service. */
async function watchSilence({ context, log, slack }: Serving): Promise<void> {
  await tellStarted(context).catch((error: unknown) => stumbled(log, error))
  context.bus.watch((event) => {
    if (event.type === 'beat') slack?.silence?.beat()
  })
}

async function stopOnPurpose({ context, log, slack }: Serving): Promise<void> {
  if (!slack?.silence) return
  await tellStopped(context).catch((error: unknown) => stumbled(log, error))
  await slack.silence.end()
}

/** It keeps no service from starting or stopping. */
function stumbled(log: Log, error: unknown): void {
  log.error('a stop on purpose was not told', { error: String(error) })
}

async function listen({ context, log, service }: Serving): Promise<HttpServer> {
  const { health, metrics } = context.config
  return startHttp({
    listen: health,
    health: () => service.engine.health(),
    live: () => ({ ok: true, text: 'alive' }),
    ready: () => ({ ok: service.ready(), text: service.ready() ? 'scheduling' : 'starting' }),
    metrics: metrics && { listen: metrics, render: await metricsOf(context, service) },
    log,
  })
}

async function metricsOf(
  context: EngineContext,
  service: Service,
): Promise<() => Promise<{ type: string; text: string }>> {
  const { createMetrics } = await import('../observe/metrics.ts') // who does not ask for metrics does not load them
  return createMetrics({
    watch: (observer) => context.bus.watch(observer),
    figures: async () => figuresOf(context, await service.engine.strategies()),
    version: context.version,
  })
}
