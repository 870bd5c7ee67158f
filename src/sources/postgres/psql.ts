import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Fault } from '../../core/faults.ts'
import { databaseArgument, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import { installed, type Program } from './programs.ts'
import { createScriptScanner, type ScriptFacts } from './script-scanner.ts'
import type { Connection } from './url.ts'

/** psql's own lock against its commands came with these minor releases of August 2025 (CVE-2025-8714). */
const restrictSince: Record<number, number> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/** @throws Fault proof-failed when it holds commands of psql, or is cut */
export async function readScript(path: string): Promise<ScriptFacts> {
  const scanner = createScriptScanner()
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    scanner.take(chunk as Buffer)
  return scanner.end()
}

/** A script of somebody else's: pg_dump's own guards in it become comments, and psql runs it under a guard whose key
 * the script cannot know. */
export async function defuse(path: string, { guards }: ScriptFacts): Promise<void> {
  const file = await open(path, 'r+')
  try {
    for (const at of guards) await file.write('--', at)
  } finally {
    await file.close()
  }
}

/** The newest psql. @throws Fault tool-missing · tool-too-old (it would not let its own commands be forbidden) */
export async function psqlFor(place: Place, signal: AbortSignal): Promise<Program> {
  const psql = (await installed('psql', place.folders, place.context, signal)).at(-1)
  if (!psql) throw new Fault('tool-missing', 'psql is not installed', { hint: 'install postgresql-client' })
  const minor = Number(psql.version.split('.')[1] ?? 0)
  const isNew = psql.major >= 18 || minor >= (restrictSince[psql.major] ?? Infinity)
  if (isNew) return psql
  throw new Fault('tool-too-old', `psql ${psql.version} cannot forbid its own commands in a script`, {
    hint: 'install the newest minor release of postgresql-client',
  })
}

export interface Scripts {
  psql: Program
  connection: Connection
  /** Run in this order. */
  paths: string[]
  /** All of them in one transaction. */
  atomic: boolean
  /** They are of somebody else: psql's commands are forbidden. */
  guarded: boolean
  signal: AbortSignal
  /** Sees the answers, with a line for each statement; absent: they are not asked for. */
  onOutput?: (chunk: Buffer) => void
}

/** Runs scripts and stops at the first error. No shell, no file of the user's settings.
 * @throws Fault restore-failed */
export async function runScripts(place: Place, scripts: Scripts): Promise<void> {
  const { psql, connection, paths, atomic, guarded, signal, onOutput } = scripts
  const { context } = place
  const env = await programEnvironment(connection, context)
  const argv = [
    psql.path,
    '--no-psqlrc',
    ...(onOutput ? ['--tuples-only', '--no-align', '--set=VERBOSITY=terse'] : ['--quiet']), // details quote rows
    '--no-password',
    '--set=ON_ERROR_STOP=1',
    `--dbname=${databaseArgument(connection.database)}`,
    ...(atomic ? ['--single-transaction'] : []),
    ...(guarded ? [`--command=\\restrict ${randomBytes(16).toString('hex')}`] : []),
    ...paths.map((path) => `--file=${path}`),
  ]
  const { runId, said } = context
  await context.processes
    .join(
      { stages: [{ argv, env }], input: null, output: onOutput ? { receive: onOutput } : null },
      { signal, runId, said: (tool, line) => said(tool, line) },
    )
    .catch((error: unknown) => {
      throw toolFault(error, connection, 'restore-failed')
    })
}
