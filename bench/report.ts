import { writeFile } from 'node:fs/promises'
import { cpus, totalmem, release } from 'node:os'
import { resolve } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { versionOf, type SampleServer } from './database.ts'
import type { Result } from './result.ts'

const columns = ['what', 'ours', 'reference', 'measured', 'target', ''] as const

export function printTable(results: Result[]): void {
  const rows = [[...columns], ...results.map(cells)].map((row) =>
    row.map((cell) => cell.replaceAll('\\|', '|')),
  )
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  for (const row of rows)
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
}

function cells({ what, ours, reference, measured, target, met }: Result): string[] {
  return [what, ours, reference, measured, target, met ? 'met' : '**not met**']
}

export interface Circumstances {
  sizeMb: number
  rounds: number
  sample: SampleServer
}

/** docs/performance.md: what was measured, where, with what. The words around the table stand in `bench/words.md`. */
export async function writeReport(results: Result[], circumstances: Circumstances): Promise<void> {
  const { sample, sizeMb, rounds } = circumstances
  const versions = await Promise.all(
    ['pg_dump', 'zstd', 'pigz', 'gzip', 'age', 'gpg'].map((tool) => versionOf(tool, sample.env)),
  )
  const [processor] = cpus()
  const page = `<!-- Written by \`npm run bench -- --write\`. Do not edit; the words are in bench/report.ts. -->

# Performance

Measured on ${new Date().toISOString().slice(0, 10)} with easy-backup ${packageJson.version}, Node ${process.versions.node}.

* Machine: ${cpus().length} × ${processor!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}.
* Tools: ${versions.join(' · ')}.
* Database: PostgreSQL on the same machine, ${sizeMb} MB as an uncompressed dump: text, jsonb, numerics, uuids, bytea, indexes.
* Each figure is the median of ${rounds} rounds. In each round everything runs once, stock tools and ours in turn, after one round that
  only warms the caches: what slows the machine for a while slows all alike. Only the ratios mean something on another machine.
* REF is \`pg_dump -Fc -Z0 | zstd -3 -T0 > file\`. A wall time of ours is the run's own, from its start to its end in the ledger: the real
  service, started by its launcher, with fsync, digest, manifest and ledger. Processor time is that of the service and its programs.

| ${columns.join(' | ')} |
|${columns.map(() => '---').join('|')}|
${results.map((result) => `| ${cells(result).join(' | ')} |`).join('\n')}

${reading}`
  await writeFile(resolve(import.meta.dirname, '../docs/performance.md'), page)
}

const reading = `## How to read it

* One dump stream is mostly the server's own work: about 230–250 MB of raw dump a second on the machine above, whatever compresses it.
* *proved* means decoded whole by \`pg_restore\` while it is stored, with every row counted. It shares the processors with the dump; with more
  than two processors it costs less.
* Memory: a dump passes from program to program by file descriptors; of the stored bytes and the proof's text only a chunk is in memory at a
  time. docs/decisions/0005 says what keeps it flat.
* Above about 100 GB a physical backup (pgBackRest, WAL-G) is the better tool: it copies files, in parallel, and only what changed.

Do it yourself: \`npm run bench\` prints the table; \`--size 300 --rounds 2\` takes a few minutes, \`--write\` writes this page.
`
