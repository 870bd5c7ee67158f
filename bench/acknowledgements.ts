import type { Bench } from './bench.ts'
import { absolute, type Result } from './result.ts'
import { startSubject } from './subject.ts'
import { percentile } from './timing.ts'
import { startWorkspace, typeSteadily } from './workspace.ts'

const minuteMs = 60_000
const commands = ['/backup', '/backup list', '/backup status shop', '/backup schedule', '/backup help']

/** 1,000 commands in a minute over Socket Mode, while one proved backup follows the other. */
export async function measureAcknowledgements({ sample, told }: Bench): Promise<Result[]> {
  const { slack, global } = await startWorkspace()
  const subject = await startSubject({
    global,
    strategies: `  - { name: shop, database_url: "${sample.server.url(sample.database)}" }`,
  })
  try {
    await slack.until(() => slack.connections() > 0, { what: 'the bot is connected', timeoutMs: 30_000 })
    await subject.backup('shop')
    const before = slack.acks().length
    const over = AbortSignal.timeout(minuteMs)
    const typing = typeSteadily(slack, { commands, perMinute: 1_000, signal: over })
    let backups = 0
    while (!over.aborted) {
      await subject.backup('shop')
      backups++
    }
    await typing
    const tookMs = slack
      .acks()
      .slice(before)
      .map((ack) => ack.tookMs)
    told(`${tookMs.length} commands acknowledged during ${backups} backups`)
    return [
      absolute(
        `Slack acknowledgement while dumping, ${tookMs.length} commands in a minute: p99`,
        { value: percentile(tookMs, 0.99), unit: 'ms' },
        { below: 300 },
      ),
      absolute('the same: slowest', { value: Math.max(...tookMs), unit: 'ms' }, { below: 3_000 }),
    ]
  } finally {
    await subject.close()
    await slack.close()
  }
}
