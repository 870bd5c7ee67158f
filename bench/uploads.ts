import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Bench } from './bench.ts'
import { withBytes } from './dumps.ts'
import { ratio, type Result } from './result.ts'
import { byHand, interleave, medians } from './rounds.ts'
import { startSubject } from './subject.ts'

const lineBytesPerSecond = 25e6 // 200 Mbit/s

/** Whole runs to an S3 server on loopback, and through a slow line. */
export async function measureUploads(bench: Bench): Promise<Result[]> {
  const { sample, folder } = bench
  const s3 = await startServer()
  const subject = await startSubject({
    global: `  schedule: manual
  compression: zstd
  prove: false
  retention: { max_age: 1m, min_keep: 1 }
`,
    storages: Object.entries({ fast: s3.direct, slow: s3.slow })
      .map(([name, options]) => `${name}: ${JSON.stringify({ type: 's3', ...options })}`)
      .join(', '),
    strategies: ['fast', 'slow']
      .map(
        (name) =>
          `  - { name: ${name}, storage: ${name}, database_url: "${sample.server.url(sample.database)}" }`,
      )
      .join('\n'),
  })
  const held: number[] = []
  const perByte: number[] = []
  try {
    const samples = await interleave(
      {
        REF: byHand(sample, folder, `pg_dump -Fc -Z0 ${sample.database} | zstd -q -3 -T0`),
        's3 on loopback': async () => withBytes(await subject.backup('fast')),
        [`s3 at ${lineBytesPerSecond / 1e6} MB/s`]: async () => {
          const measured = withBytes(await subject.backup('slow'))
          held.push(measured.run.backup!.dumpMs / 1_000)
          perByte.push(measured.bytes / lineBytesPerSecond)
          return measured
        },
      },
      bench,
    )
    const ref = medians(samples['REF'])
    const slow = medians(samples[`s3 at ${lineBytesPerSecond / 1e6} MB/s`])
    const wall = (what: string, pair: [number, number], limit: number): Result =>
      ratio(what, { ours: pair[0], reference: pair[1], unit: 's' }, limit)
    return [
      wall(
        'run to S3 on loopback: wall, against REF',
        [medians(samples['s3 on loopback']).wallS, ref.wallS],
        1.2,
      ),
      wall('upload at 25 MB/s: wall, against bytes ÷ bandwidth', [slow.wallS, middle(perByte)], 1.05),
      wall('upload at 25 MB/s: snapshot held, against REF', [middle(held), ref.wallS], 1.15),
    ]
  } finally {
    await subject.close()
    s3.stop()
  }
}

/** Without the warm-up's. */
function middle(values: number[]): number {
  return medians(values.slice(1).map((wallS) => ({ wallS, cpuS: 0, bytes: 0 }))).wallS
}

interface Server {
  direct: Record<string, unknown>
  slow: Record<string, unknown>
  stop(): void
}

async function startServer(): Promise<Server> {
  const script = resolve(import.meta.dirname, 's3-server.ts')
  const child = spawn(process.execPath, [script, String(lineBytesPerSecond)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const { direct, slow } = JSON.parse(said.toString()) as Omit<Server, 'stop'>
  return { direct, slow, stop: () => child.stdin.end() }
}
