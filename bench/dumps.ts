import { medians, byHand, interleave } from './rounds.ts'
import { ratio, type Result } from './result.ts'
import type { Bench } from './bench.ts'
import { startSubject, type Measured } from './subject.ts'

/** Whole runs to a local folder against the same work with stock tools. */
export async function measureDumps(bench: Bench): Promise<Result[]> {
  const { sample, folder } = bench
  const subject = await startSubject({
    global: '  schedule: manual\n  retention: { max_age: 1m, min_keep: 2 }\n',
    strategies: strategies(sample.server.url(sample.database)),
  })
  try {
    const ours = async (strategy: string) => withBytes(await subject.backup(strategy))
    const samples = await interleave(
      {
        REF: byHand(sample, folder, `pg_dump -Fc -Z0 ${sample.database} | zstd -q -3 -T0`),
        stored: () => ours('stored'),
        proved: () => ours('proved'),
        'REF pigz': byHand(sample, folder, `pg_dump -Fc -Z0 ${sample.database} | pigz`),
        'stored, gzip': () => ours('gzip'),
        'pg_dump | gzip': byHand(sample, folder, `pg_dump ${sample.database} | gzip`),
      },
      bench,
    )
    return results(samples)
  } finally {
    await subject.close()
  }
}

type Samples = Awaited<ReturnType<typeof interleave>>

function results(samples: Samples): Result[] {
  const [ref, stored, proved] = ['REF', 'stored', 'proved'].map((name) => medians(samples[name]))
  const [refPigz, gzip] = ['REF pigz', 'stored, gzip'].map((name) => medians(samples[name]))
  const plain = medians(samples['pg_dump | gzip'])
  const wall = (what: string, pair: [number, number], limit: number): Result =>
    ratio(what, { ours: pair[0], reference: pair[1], unit: 's' }, limit)
  return [
    wall('local run, zstd, stored: wall, against REF', [stored!.wallS, ref!.wallS], 1.1),
    wall('local run, zstd, stored: processor, against REF', [stored!.cpuS, ref!.cpuS], 1.08),
    wall('local run, zstd, proved: wall, against REF', [proved!.wallS, ref!.wallS], 1.5),
    wall('local run, gzip: wall, against `pg_dump -Fc -Z0 \\| pigz`', [gzip!.wallS, refPigz!.wallS], 1.1),
    wall('local run, zstd: wall, against `pg_dump \\| gzip`', [stored!.wallS, plain.wallS], 0.25),
    ratio(
      'local run, zstd: size, against `pg_dump \\| gzip`',
      { ours: stored!.bytes / 1e6, reference: plain.bytes / 1e6, unit: 'MB' },
      0.95,
    ),
  ]
}

export function withBytes(measured: Measured): Measured & { bytes: number } {
  return { ...measured, bytes: measured.run.backup!.storedBytes }
}

function strategies(url: string): string {
  const one = (name: string, lines: string): string => `  - name: ${name}\n    database_url: ${url}\n${lines}`
  return [
    one('stored', '    compression: zstd\n    prove: false'),
    one('proved', '    compression: zstd'),
    one('gzip', '    compression: gzip\n    prove: false'),
  ].join('\n')
}
