import type { TestContext } from 'node:test'
import { App, LogLevel, SocketModeReceiver } from '@slack/bolt'
import { startPlayground } from '../../playground/server.ts'
import type { Playground, PlaygroundOptions } from '../../playground/server.ts'

/** A playground and the real Bolt connected to it; both end with the test. */
export async function boltIn(
  t: TestContext,
  options: PlaygroundOptions = {},
): Promise<{ slack: Playground; app: App }> {
  const slack = await startPlayground({ rateLimits: false, ...options })
  const clientOptions = {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  }
  const receiver = new SocketModeReceiver({
    appToken: slack.tokens.app,
    clientPingTimeout: 100, // also how long it waits before it reconnects
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
