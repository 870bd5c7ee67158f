import type { TestContext } from 'node:test'
import { App, LogLevel, SocketModeReceiver } from '@slack/bolt'
import { startPlayground } from '../../playground/server.ts'
import type { Playground, PlaygroundOptions } from '../../playground/server.ts'

/** A playground and the real Bolt connected to it; both end with the test.
 * @param options.reconnectMs  how long Bolt waits before it connects again, and for an answer to its pings: a busy machine is late with those */
export async function boltIn(
  t: TestContext,
  { reconnectMs = 10_000, ...options }: PlaygroundOptions & { reconnectMs?: number } = {},
): Promise<{ slack: Playground; app: App }> {
  const slack = await startPlayground({ rateLimits: false, ...options })
  const clientOptions = {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  }
  const receiver = new SocketModeReceiver({
    appToken: slack.tokens.app,
    clientPingTimeout: reconnectMs,
    logger: silent,
    installerOptions: { clientOptions },
  })
  const app = new App({ token: slack.tokens.bot, receiver, logger: silent, clientOptions })
  app.error(() => Promise.resolve())
  t.after(async () => {
    await app.stop()
    await slack.close()
  })
  await app.start()
  return { slack, app }
}

const nothing = (): void => undefined
const silent = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  setName: nothing,
  getLevel: () => LogLevel.ERROR,
}

export const plain = (text: string): { type: 'plain_text'; text: string } => ({ type: 'plain_text', text })
