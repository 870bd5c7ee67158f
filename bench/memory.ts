import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { stubTool } from '../test/support/stub-tools.ts'
import type { Bench } from './bench.ts'
import type { SampleServer } from './database.ts'
import { absolute, type Result } from './result.ts'
import { startSubject } from './subject.ts'
import { timeShell } from './timing.ts'
import { startWorkspace, typeSteadily } from './workspace.ts'

const times = 25
const limitMiB = 150

/** The highest resident memory of the service during a proved backup, with Slack connected and asked three times a second:
 * of the sample database, and of a stream of 25 times its size. That one is a real dump of one table whose rows are sent
 * over and over by a stub of `pg_dump`: valid to the last byte, decoded by the real `pg_restore`. */
export async function measureMemory(bench: Bench): Promise<Result[]> {
  const plain = await peakOf(bench, process.env['PATH']!)
  bench.told(`peak ${plain.peakMiB.toFixed(0)} MiB at ${(plain.rawBytes / 1e9).toFixed(1)} GB`)
  const stub = await endlessDump(bench, plain.rawBytes * times)
  const large = await peakOf(bench, [stub, process.env['PATH']].join(delimiter))
  bench.told(`peak ${large.peakMiB.toFixed(0)} MiB at ${(large.rawBytes / 1e9).toFixed(1)} GB`)
  const size = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  return [
    absolute(
      `service memory, proved backup of ${size(plain.rawBytes)}: peak`,
      { value: plain.peakMiB, unit: 'MiB' },
      { below: limitMiB },
    ),
    absolute(
      `the same with ${size(large.rawBytes)} (generated stream): peak`,
      { value: large.peakMiB, unit: 'MiB' },
      { below: limitMiB },
    ),
  ]
}

async function peakOf({ sample }: Bench, path: string): Promise<{ peakMiB: number; rawBytes: number }> {
  const { slack, global } = await startWorkspace()
  const subject = await startSubject({
    global,
    strategies: `  - { name: shop, database_url: "${sample.server.url(sample.database)}" }`,
    environment: { PATH: path },
  })
  const over = new AbortController()
  try {
    await slack.until(() => slack.connections() > 0, { what: 'the bot is connected', timeoutMs: 30_000 })
    const typing = typeSteadily(slack, { commands: ['/backup status'], perMinute: 180, signal: over.signal })
    const { run } = await subject.backup('shop')
    const peakMiB = subject.peakMiB()
    over.abort()
    await typing
    return { peakMiB, rawBytes: run.backup!.rawBytes! }
  } finally {
    over.abort()
    await subject.close()
    await slack.close()
  }
}

const table = 'events'
const regionBytes = 64e6 // far beyond any window of a compressor
const frameBytes = 5 // a sign and four bytes: https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_archiver.c, WriteInt

/** @returns a folder for the front of PATH, with a `pg_dump` that writes about so many bytes */
async function endlessDump({ sample, folder }: Bench, bytes: number): Promise<string> {
  const dump = await dumpOfOneTable(sample, folder)
  const first = await firstRow(sample, folder)
  const start = dump.indexOf(first) - frameBytes
  const frames = framesFrom(dump, start)
  const last = frames.at(-1)! // COPY's own end, `\\.`
  const end = frames.find((at) => at - start >= regionBytes) ?? last
  const [front, rows, tail] = ['front', 'rows', 'tail'].map((name) => join(folder, name))
  await writeFile(front!, dump.subarray(0, start))
  await writeFile(rows!, dump.subarray(start, Math.min(end, last)))
  await writeFile(tail!, dump.subarray(last))
  const script = resolve(import.meta.dirname, 'endless-dump.ts')
  const words = [process.execPath, script, front, rows, tail].map((word) => `'${word}'`).join(' ')
  return stubTool(folder, 'pg_dump', `exec ${words} ${Math.ceil(bytes / (end - start))}`)
}

/** Where each frame of a table's data begins; a frame of no bytes ends them. */
function framesFrom(dump: Buffer, start: number): number[] {
  const found: number[] = []
  for (let at = start; ;) {
    const bytes = dump.readInt32LE(at + 1)
    if (bytes === 0) return found
    found.push(at)
    at += frameBytes + bytes
  }
}

async function dumpOfOneTable({ env, database }: SampleServer, folder: string): Promise<Buffer> {
  const path = join(folder, 'one-table')
  await timeShell(`pg_dump -Fc -Z0 -t ${table} ${database} > ${path}`, env)
  return readFile(path)
}

async function firstRow({ env, database }: SampleServer, folder: string): Promise<Buffer> {
  const path = join(folder, 'first-row')
  await timeShell(
    `psql -qAtX -c 'COPY (SELECT * FROM ${table} LIMIT 1) TO STDOUT' ${database} > ${path}`,
    env,
  )
  return readFile(path)
}
