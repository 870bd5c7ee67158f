import type { Bench } from './bench.ts'
import { wordFunctions, type SampleServer } from './database.ts'
import { withBytes } from './dumps.ts'
import { ratio, type Result } from './result.ts'
import { interleave, medians, type Contestants } from './rounds.ts'
import { startSubject, type Subject } from './subject.ts'
import { timeShell, type Cost } from './timing.ts'

const database = 'many_tables'
const tables = 64
const rowBytes = 279 // of a row of `fill` in a dump, measured
const jobs = 2

/** A database of many tables, several at a time: `options.jobs` against `pg_dump -Fd -j`, and back. */
export async function measureParallel(bench: Bench): Promise<Result[]> {
  const { sample, told } = bench
  told(`filling ${tables} tables`)
  await fill(sample, bench.sizeMb)
  const subject = await startSubject({
    global: '  schedule: manual\n  compression: zstd\n  retention: { max_age: 1m, min_keep: 2 }\n',
    strategies: strategies(sample.server.url(database)),
  })
  try {
    await subject.backup('proved')
    const contestants = { ...dumps(bench, subject), ...restores(bench, subject) }
    return results(await interleave(contestants, bench))
  } finally {
    await subject.close()
    await sample.server.query(`DROP DATABASE "${database}"`)
  }
}

const archive = (folder: string): string => `${folder}/by.tar.zst`

function dumps({ sample, folder }: Bench, subject: Subject): Contestants {
  const shell = (script: string) => () => timeShell(script, sample.env)
  const dump = (how: string): string =>
    `rm -rf ${folder}/by.dir && pg_dump -Fd -j${jobs} ${how} -f ${folder}/by.dir ${database}`
  const packed = `tar -C ${folder} -cf - by.dir | zstd -q -3 -T0 > ${archive(folder)}`
  return {
    'pg_dump -Fc | zstd': shell(`pg_dump -Fc -Z0 ${database} | zstd -q -3 -T0 > ${folder}/by.dump`),
    'pg_dump -Fd -Z1': shell(dump('-Z1')),
    'pg_dump -Fd, tar | zstd': shell(`${dump('-Z0')} && ${packed}`),
    stored: async () => withBytes(await subject.backup('stored')),
    proved: async () => withBytes(await subject.backup('proved')),
  }
}

/** By hand from the archive that `dumps` made in the same round. */
function restores({ sample: { server, env }, folder }: Bench, subject: Subject): Contestants {
  const into = async (name: string, work: () => Promise<Cost>): Promise<Cost> => {
    const cost = await work()
    await server.query(`DROP DATABASE "${name}"`)
    return cost
  }
  const hand = (script: string) => async () => {
    await server.createDatabase('by_hand')
    return into('by_hand', () => timeShell(script, env))
  }
  const un = `${folder}/un`
  const unpack = `rm -rf ${un} && mkdir ${un} && zstd -dc ${archive(folder)} | tar -C ${un} -xf -`
  const restore = `${unpack} && pg_restore -j${jobs} -e --no-owner --no-acl -d by_hand ${un}/by.dir`
  return {
    'by hand': hand(restore),
    'by hand, with statistics': hand(`${restore} && vacuumdb -q --analyze-only -j${jobs} by_hand`),
    restore: () => into('parallel', () => subject.restore('proved', 'parallel')),
  }
}

function results(samples: Awaited<ReturnType<typeof interleave>>): Result[] {
  const row = (what: string, [mine, theirs]: [string, string], limit: number): Result =>
    ratio(
      what,
      { ours: medians(samples[mine]).wallS, reference: medians(samples[theirs]).wallS, unit: 's' },
      limit,
    )
  const of = `${tables} tables, jobs: ${jobs}`
  const stock = `\`pg_dump -Fd -j${jobs} -Z0\`, then \`tar \\| zstd\``
  return [
    row(`${of}, stored: wall, against ${stock}`, ['stored', 'pg_dump -Fd, tar | zstd'], 1.1),
    row(`${of}, stored: wall, against \`pg_dump -Fd -j${jobs} -Z1\``, ['stored', 'pg_dump -Fd -Z1'], 1.1),
    row(`${of}, stored: wall, against REF of the same tables`, ['stored', 'pg_dump -Fc | zstd'], 1.1),
    row(`${of}, proved: wall, against REF of the same tables`, ['proved', 'pg_dump -Fc | zstd'], 1.5),
    row(
      `${of}, restore, verified and compared: wall, against \`tar -x && pg_restore -j${jobs}\``,
      ['restore', 'by hand'],
      1.1,
    ),
    row(
      `the same, against that with \`vacuumdb --analyze-only -j${jobs}\``,
      ['restore', 'by hand, with statistics'],
      1.1,
    ),
  ]
}

/** Tables of all sizes: the largest has 64 times the rows of the smallest. */
async function fill({ server }: SampleServer, sizeMb: number): Promise<void> {
  await server.createDatabase(database)
  await server.query(wordFunctions, database)
  const unit = Math.ceil((sizeMb * 1e6) / rowBytes / ((tables * (tables + 1)) / 2))
  for (let n = 1; n <= tables; n++)
    await server.query(
      `CREATE TABLE t${n} (id int, key uuid, at timestamptz, kind text, note text, payload jsonb);
       INSERT INTO t${n} SELECT i, gen_random_uuid(), now() - random() * interval '90 days', word(), phrase((random() * 5000)::int),
         jsonb_build_object('page', word() || '/' || word(), 'took_ms', (random() * 4000)::int, 'note', phrase((random() * 3000)::int))
       FROM generate_series(1, ${unit * n}) i;
       ALTER TABLE t${n} ADD PRIMARY KEY (id)`,
      database,
    )
  await server.query('VACUUM ANALYZE', database)
  await server.query('CHECKPOINT', database)
}

function strategies(url: string): string {
  const one = (name: string, more: string): string =>
    `  - name: ${name}\n    database_url: ${url}\n    options: { jobs: ${jobs} }\n${more}`
  return [one('stored', '    prove: false'), one('proved', '')].join('\n')
}
