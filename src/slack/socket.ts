import { SocketModeReceiver } from '@slack/bolt'
import { WebAPIRateLimitedError } from '@slack/web-api'
import type { Clock } from '../core/clock.ts'
import type { SlackConnection } from '../core/config.ts'
import type { Log } from '../core/log.ts'
import { boltClientOptions, quietLogger } from './clients.ts'
import { failureOf } from './outcomes.ts'

export function createSocketReceiver(
  connection: SlackConnection & { appToken: string },
  log: Log,
): SocketModeReceiver {
  return new SocketModeReceiver({
    appToken: connection.appToken,
    logger: quietLogger(log),
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: boltClientOptions(connection, log) },
  })
}

export interface SocketParts {
  receiver: SocketModeReceiver
  clock: Clock
  log: Log
  /** Told at every change: connected, or why not. */
  onState: (trouble: string | null) => void
}

/** Slack's own reconnecting gives up for ever on some errors, by a rejection nobody can catch; so it is off and this is ours. */
export interface Socket {
  /** Resolves once the first attempt has ended either way; goes on trying until stopped. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** How a trouble begins when an attempt to connect failed; a connection that was merely lost comes back by itself. */
export const noSocket = 'no connection'

const connectDeadlineMs = 15_000
const closeDeadlineMs = 2000
/** A connection that lasted less counts as a failure: Slack grants few new ones. */
const steadyMs = 10_000
const slowestRetryMs = 60_000

export function createSocket({ receiver, clock, log, onState }: SocketParts): Socket {
  const { client } = receiver
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  catchListeners(client, (error) => log.warn('slack sent something unreadable', { error }))

  async function keep(tried: () => void): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      const dropped = nextDrop(client)
      try {
        await connect()
        onState(null)
        tried()
        const since = clock.monotonic()
        await Promise.race([dropped.promise, aborted(stopping.signal)])
        failures = clock.monotonic() - since < steadyMs ? failures + 1 : 0
        if (!stopping.signal.aborted) onState('the connection was lost')
        await pause(failures - 1)
      } catch (error) {
        failures += 1
        const { detail } = failureOf(error, true)
        onState(`${noSocket}: ${detail}`)
        tried()
        await pause(failures, error)
      } finally {
        dropped.forget()
      }
    }
  }

  async function connect(): Promise<void> {
    const opened = client.start()
    const late = clock.sleep(connectDeadlineMs, stopping.signal).then(() => {
      throw new Error(`no connection within ${connectDeadlineMs / 1000} s`)
    })
    late.catch(() => undefined)
    await Promise.race([opened, late]).catch((error: unknown) => {
      opened.catch(() => undefined)
      void client.disconnect().catch(() => undefined)
      throw error ?? new Error('closed before it was open')
    })
  }

  async function pause(failures: number, error?: unknown): Promise<void> {
    if (failures < 1 && error === undefined) return
    const asked = error instanceof WebAPIRateLimitedError ? error.retryAfter * 1000 : 0
    const backOff = Math.min(slowestRetryMs, 1000 * 2 ** Math.min(10, failures - 1))
    await clock
      .sleep(Math.max(asked, backOff * (0.75 + clock.random() / 2)), stopping.signal)
      .catch(() => undefined)
  }

  return {
    start() {
      const { promise, resolve } = Promise.withResolvers<void>()
      running = keep(resolve)
      return promise
    },
    async stop() {
      stopping.abort()
      const closed = client.disconnect().catch(() => undefined)
      const timer = new AbortController()
      await Promise.race([closed, clock.sleep(closeDeadlineMs, timer.signal).catch(() => undefined)])
      timer.abort()
      await running
    },
  }
}

function nextDrop(client: SocketModeReceiver['client']): { promise: Promise<void>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const listener = (): void => resolve()
  client.once('disconnected', listener)
  return { promise, forget: () => void client.off('disconnected', listener) }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  return promise
}

/** The client's own listener for envelopes is asynchronous and nobody looks at its promise: an envelope without an event
 * would end the process. */
function catchListeners(client: SocketModeReceiver['client'], report: (error: string) => void): void {
  const listeners = client.listeners('ws_message')
  client.removeAllListeners('ws_message')
  for (const listener of listeners)
    client.on('ws_message', (...given: unknown[]) => {
      Promise.resolve(listener.apply(client, given)).catch((error: unknown) => report(String(error)))
    })
}
