import { LogLevel, WebClient } from '@slack/web-api'
import type { Logger, WebClientOptions } from '@slack/web-api'
import type { SlackConnection } from '../core/config.ts'
import type { Log } from '../core/log.ts'

/** One 429 pauses the whole queue of a WebClient, and default retries post twice: so people and delivery have one each. */
export interface Clients {
  /** Dialogs, look-ups, private answers: somebody waits. */
  interactive: WebClient
  /** Posts and edits: never retried here, the deliverer decides. */
  delivery: WebClient
}

const peopleWaitMs = 2500
const deliveryTimeoutMs = 10_000

export function createClients({ botToken, apiUrl }: SlackConnection, log: Log): Clients {
  const common = { slackApiUrl: apiUrl, logger: quietLogger(log), rejectRateLimitedCalls: true }
  return {
    interactive: new WebClient(botToken, {
      ...common,
      timeout: peopleWaitMs,
      retryConfig: { retries: 1, minTimeout: 100 },
    }),
    delivery: new WebClient(botToken, { ...common, timeout: deliveryTimeoutMs, retryConfig: { retries: 0 } }),
  }
}

/** For the message about silence: whoever calls hears what Slack's clock says. */
export function createTimedClient(
  connection: SlackConnection,
  { log, heard }: { log: Log; heard: (date: string | null) => void },
): WebClient {
  const { fetch: plain = fetch, ...options } = boltClientOptions(connection, log)
  return new WebClient(connection.botToken, {
    ...options,
    fetch: async (url, init) => {
      const answer = await plain(url, init)
      heard(answer.headers.get('date'))
      return answer
    },
  })
}

/** For what Bolt calls by itself. */
export function boltClientOptions({ apiUrl }: SlackConnection, log: Log): WebClientOptions {
  return {
    slackApiUrl: apiUrl,
    logger: quietLogger(log),
    rejectRateLimitedCalls: true,
    timeout: deliveryTimeoutMs,
    retryConfig: { retries: 0 },
    fetch: (url, init) =>
      fetch(url, { ...init, signal: init?.signal ?? AbortSignal.timeout(deliveryTimeoutMs) }),
  }
}

/** Slack's packages write whole payloads at debug level: those never reach our log. */
export function quietLogger(log: Log): Logger {
  const say = (level: 'debug' | 'warn', parts: unknown[]): void =>
    log[level]('slack client', { said: parts.map(String).join(' ').slice(0, 500) })
  return {
    debug: () => undefined,
    info: (...parts) => say('debug', parts),
    warn: (...parts) => say('debug', parts),
    error: (...parts) => say('warn', parts),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  }
}
