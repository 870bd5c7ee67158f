import { startPlayground, type Playground } from '../playground/server.ts'

/** A local Slack, and the configuration that leads to it. */
export async function startWorkspace(): Promise<{ slack: Playground; global: string }> {
  const slack = await startPlayground({ rateLimits: false })
  const global = `  slack: { bot_token: ${slack.tokens.bot}, app_token: ${slack.tokens.app}, channel_id: C0BACKUPS, api_url: "${slack.apiUrl}" }
  schedule: manual
  compression: zstd
  retention: { max_age: 1m, min_keep: 1 }
`
  return { slack, global }
}

/** Types commands at a steady rate until the signal fires; the next one does not wait for the last one's answer. */
export async function typeSteadily(
  slack: Playground,
  { commands, perMinute, signal }: { commands: readonly string[]; perMinute: number; signal: AbortSignal },
): Promise<void> {
  const begun = performance.now()
  const answers: Promise<unknown>[] = []
  for (let typed = 0; !signal.aborted; typed++) {
    const dueMs = begun + (typed * 60_000) / perMinute - performance.now()
    if (dueMs > 0) await new Promise((next) => setTimeout(next, dueMs))
    answers.push(
      slack.command('alice', 'C0BACKUPS', commands[typed % commands.length]!).catch(() => undefined),
    )
  }
  await Promise.all(answers)
}
