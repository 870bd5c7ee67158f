import type { Bench } from './bench.ts'
import { ratio, type Result } from './result.ts'
import { interleave, medians } from './rounds.ts'
import { startSubject } from './subject.ts'
import { timeShell } from './timing.ts'

/** Restores into a new database, against the same by hand. */
export async function measureRestores(bench: Bench): Promise<Result[]> {
  const { sample, folder } = bench
  const subject = await startSubject({
    global: '  schedule: manual\n  compression: zstd\n',
    strategies: `  - { name: shop, database_url: "${sample.server.url(sample.database)}" }`,
  })
  const file = `${folder}/shop.dump.zst`
  const plain = `${folder}/shop.dump`
  const into = `-e --no-owner --no-acl -d`
  const ours = async (name: string, jobs?: number) => {
    const measured = await subject.restore('shop', name, jobs)
    await dropped(name)
    return measured
  }
  const dropped = (name: string): Promise<unknown> => sample.server.query(`DROP DATABASE "${name}"`)
  const hand = async (script: string) => {
    await sample.server.createDatabase('by_hand')
    const cost = await timeShell(script, sample.env)
    await dropped('by_hand')
    return cost
  }
  try {
    await subject.backup('shop')
    await timeShell(`pg_dump -Fc -Z0 ${sample.database} | zstd -q -3 -T0 > ${file}`, sample.env)
    const samples = await interleave(
      {
        'by hand': () => hand(`zstd -dc ${file} | pg_restore ${into} by_hand`),
        restore: () => ours('one_by_one'),
        'by hand -j2': () => hand(`zstd -dcf ${file} > ${plain} && pg_restore -j 2 ${into} by_hand ${plain}`),
        'restore --jobs 2': () => ours('two_at_a_time', 2),
      },
      bench,
    )
    const pair = (mine: string, theirs: string): { ours: number; reference: number; unit: string } => ({
      ours: medians(samples[mine]).wallS,
      reference: medians(samples[theirs]).wallS,
      unit: 's',
    })
    return [
      ratio(
        'restore, verified and compared: wall, against `zstd -dc \\| pg_restore`',
        pair('restore', 'by hand'),
        1.05,
      ),
      ratio(
        'restore --jobs 2: wall, against `zstd -dc > file && pg_restore -j 2`',
        pair('restore --jobs 2', 'by hand -j2'),
        1.1,
      ),
    ]
  } finally {
    await subject.close()
  }
}
