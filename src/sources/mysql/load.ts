import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawInput } from '../source.ts'
import { optionFile, programEnvironment } from './environment.ts'
import { copyWithout, overwriteParts } from './edit.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import type { Program } from './programs.ts'
import type { Scan } from './scanner.ts'
import type { Edit } from './statements.ts'
import type { Connection } from './url.ts'

export interface Loading {
  program: Program
  connection: Connection
  encrypted: boolean
  scan: Scan
  /** Views, routines and the like belong to whoever restores. */
  withoutDefiners: boolean
  /** Opens the raw bytes. */
  raw: () => Promise<RawInput>
}

/** Since these minor releases of May 2024 the client knows the line that locks it (CVE-2024-21096). */
const sandboxSince: Record<number, number> = {
  1005: 25,
  1006: 18,
  1011: 8,
  1100: 6,
  1101: 5,
  1102: 4,
  1104: 2,
}

/** Runs the text with the stock client, which stops at the first error. Its own commands are off, so that bytes and bodies come as they are.
 * @throws Fault restore-failed */
export async function load(place: Place, loading: Loading, signal: AbortSignal): Promise<void> {
  const { program, connection, encrypted, scan } = loading
  const { context } = place
  const { flavour } = program
  const init = `DO GET_LOCK('${lockOfRun(context.runId)}', 0)`
  const file = await optionFile(connection, { context, flavour, encrypted, init })
  const argv = [
    program.path,
    `--defaults-file=${file}`,
    '--batch',
    '--binary-mode',
    '--comments',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    '--skip-local-infile',
    '--skip-reconnect',
    `--database=${connection.database}`,
  ]
  const command = { argv, env: programEnvironment }
  const edits = scan.edits.filter((edit) => isNeeded(edit, loading))
  const raw = await loading.raw()
  const loaded =
    edits.length === 0 && scan.skips.length === 0
      ? raw.intoProgram(command, null)
      : loadEdited(place, { raw, edits, scan, command }, signal)
  await loaded.catch((error: unknown) => {
    signal.throwIfAborted()
    throw toolFault(error, connection, 'restore-failed')
  })
}

/** By this the session of a dead run is found: the server ends the lock with it. */
export function lockOfRun(runId: string): string {
  return `easy-backup ${runId}`
}

function isNeeded({ why }: Edit, { program, withoutDefiners }: Loading): boolean {
  if (why === 'definer') return withoutDefiners
  return why !== 'sandbox' || !knowsSandbox(program)
}

function knowsSandbox({ flavour, number, text }: Program): boolean {
  if (flavour === 'MySQL') return false
  const minor = Number(text.split('.')[2] ?? 0)
  return number > 1104 || minor >= (sandboxSince[number] ?? Infinity)
}

interface Edited {
  raw: RawInput
  edits: Edit[]
  scan: Scan
  command: { argv: string[]; env: Record<string, string> }
}

/** A text that has to be changed is needed as a file. */
async function loadEdited(
  { context }: Place,
  { raw, edits, scan, command }: Edited,
  signal: AbortSignal,
): Promise<void> {
  const [path, chosen] = ['restore.sql', 'chosen.sql'].map((name) => join(context.folder, name)) as [
    string,
    string,
  ]
  try {
    await raw.intoFile(path)
    await overwriteParts(path, edits)
    if (scan.skips.length > 0) await copyWithout(path, { to: chosen, skips: scan.skips })
    const input = await open(scan.skips.length > 0 ? chosen : path)
    const { runId } = context
    const running = { signal, runId, said: (tool: string, line: string) => context.said(tool, line) }
    await context.processes
      .join({ stages: [command], input: { fd: input.fd }, output: null }, running)
      .finally(() => input.close())
  } finally {
    for (const one of [path, chosen]) await rm(one, { force: true })
  }
}
