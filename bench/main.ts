import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureAcknowledgements } from './acknowledgements.ts'
import type { Bench } from './bench.ts'
import { measureCatalogue } from './catalogue.ts'
import { startSampleServer } from './database.ts'
import { measureDumps } from './dumps.ts'
import { measureEncryption } from './encrypted.ts'
import { measureMemory } from './memory.ts'
import { measureReady } from './ready.ts'
import { measureParallel } from './parallel.ts'
import { printTable, writeReport } from './report.ts'
import { measureRestores } from './restores.ts'
import type { Result } from './result.ts'
import { measureUploads } from './uploads.ts'

const measurements: Record<string, (bench: Bench) => Promise<Result[]>> = {
  ready: measureReady,
  dumps: measureDumps,
  encryption: measureEncryption,
  s3: measureUploads,
  restores: measureRestores,
  parallel: measureParallel,
  catalogue: measureCatalogue,
  slack: measureAcknowledgements,
  memory: measureMemory,
}

const usage = `usage: npm run bench -- [--rounds N] [--size MB] [--only NAME,NAME] [--write]
  --rounds  counted rounds, after one to warm up (5)
  --size    the sample database, in millions of bytes of its uncompressed dump (1000)
  --only    some of: ${Object.keys(measurements).join(', ')}
  --write   write docs/performance.md`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '1000' },
    only: { type: 'string', default: Object.keys(measurements).join(',') },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const unknown = values.only.split(',').filter((name) => !(name in measurements))
if (values.help) console.log(usage)
else if (unknown.length > 0) {
  console.error(`error: there is no measurement ${unknown.join(', ')}\n${usage}`)
  process.exitCode = 2
} else await main()

async function main(): Promise<void> {
  const begun = performance.now()
  const told = (line: string): void =>
    console.error(`${((performance.now() - begun) / 1_000).toFixed(0).padStart(5)} s  ${line}`)
  const folder = await mkdtemp(join(tmpdir(), 'eb-bench-'))
  const sizeMb = Number(values.size)
  told(`filling a database of ${sizeMb} MB`)
  const sample = await startSampleServer(sizeMb)
  const bench: Bench = { sample, folder, rounds: Number(values.rounds), sizeMb, told }
  const results: Result[] = []
  try {
    for (const name of values.only.split(',')) {
      told(name)
      try {
        results.push(...(await measurements[name]!(bench)))
      } catch (error) {
        told(`${name} failed: ${(error as Error).stack}`)
        results.push(failed(name, error as Error))
      }
    }
  } finally {
    await sample.server.close()
    await rm(folder, { recursive: true, force: true })
  }
  printTable(results)
  if (values.write) await writeReport(results, { sizeMb, rounds: bench.rounds, sample })
}

/** An unattended run goes on; what could not be measured is no target met. */
function failed(what: string, { message }: Error): Result {
  return {
    what,
    ours: 'failed',
    reference: '—',
    measured: message.split('\n')[0]!.slice(0, 120),
    target: '',
    met: false,
  }
}
