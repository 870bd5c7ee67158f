import { makeBot } from '../test/support/bot.ts'
import type { Bench } from './bench.ts'
import { absolute, type Result } from './result.ts'
import { median } from './timing.ts'

/** From the start of the process until `/readyz` says that it schedules. */
export async function measureReady({ rounds, sample, told }: Bench): Promise<Result[]> {
  const bot = await makeBot({
    global: '  schedule: manual\n',
    strategies: `  - { name: shop, database_url: "${sample.server.url(sample.database)}" }`,
  })
  const tookS: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now()
    await bot.start()
    tookS.push((performance.now() - begun) / 1_000)
    await bot.end('SIGTERM')
  }
  await bot.remove()
  told(`ready after ${tookS.map((s) => s.toFixed(2)).join(', ')} s`)
  return [absolute('`serve` ready', { value: median(tookS.slice(1)), unit: 's' }, { below: 2 })]
}
