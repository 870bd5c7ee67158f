import { accessSync, constants, realpathSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { SourceContext } from '../source.ts'

/** An installed client program of PostgreSQL. */
export interface Program {
  path: string
  major: number
  /** e.g. `15.18`. */
  version: string
}

/** Where distributions keep one folder of client programs per major: Debian, Alpine, Red Hat, Homebrew. */
export const usualFolders: readonly string[] = [
  '/usr/lib/postgresql/*/bin',
  '/usr/libexec/postgresql*',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
]

/** The installed versions of one program, one per major, oldest first; the one on PATH wins over others of its major. */
export async function installed(
  name: 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql' | 'initdb' | 'postgres',
  folders: readonly string[],
  context: SourceContext,
  signal: AbortSignal,
): Promise<Program[]> {
  const byMajor = new Map<number, Program>()
  for (const path of await candidates(name, folders, context)) {
    const program = await identify(path, context, signal)
    if (program && !byMajor.has(program.major)) byMajor.set(program.major, program)
  }
  return [...byMajor.values()].sort((a, b) => a.major - b.major)
}

/** The client for a server: of its own major, else the nearest newer one.
 * @throws Fault tool-missing · tool-too-old */
export function forServer(programs: Program[], serverMajor: number): Program {
  const found = programs.find(({ major }) => major >= serverMajor)
  if (found) return found
  throw notThere('pg_dump', programs, { major: serverMajor, of: 'the server is' })
}

/** The program that reads a dump: not older than the one that wrote it, and no newer than needed, because
 * newer ones write settings that older servers do not know. `null`: the newest there is.
 * @throws Fault tool-missing · tool-too-old */
export function forDump(programs: Program[], dumpMajor: number | null): Program {
  const found = dumpMajor === null ? programs.at(-1) : programs.find(({ major }) => major >= dumpMajor)
  if (found) return found
  throw notThere('pg_restore', programs, { major: dumpMajor, of: 'the dump was written by' })
}

/** `15.18 (Debian …)` and `15devel` are both 15. */
export function majorOf(version: string | null): number | null {
  const digits = /^\d+/.exec(version ?? '')?.[0]
  return digits === undefined ? null : Number(digits)
}

function installHint(major: number | null): string {
  const version = major ?? ''
  return `install postgresql-client${version && `-${version}`} (Debian, Ubuntu) or postgresql${version}-client (Alpine)`
}

function notThere(name: string, programs: Program[], wanted: { major: number | null; of: string }): Fault {
  const hint = installHint(wanted.major)
  const newest = programs.at(-1)
  if (!newest) return new Fault('tool-missing', `${name} is not installed`, { hint })
  const text = `${name} ${newest.version} is too old: ${wanted.of} PostgreSQL ${wanted.major}`
  return new Fault('tool-too-old', text, { hint })
}

async function candidates(
  name: string,
  folders: readonly string[],
  context: SourceContext,
): Promise<string[]> {
  const onPath = context.processes.find(name)
  const paths = onPath && !isDebianWrapper(onPath) ? [onPath] : []
  for (const pattern of folders)
    for await (const folder of glob(join(pattern, name))) if (isExecutable(folder)) paths.push(folder)
  return paths
}

/** Debian's /usr/bin/pg_dump only chooses among the folders that we look through ourselves. */
function isDebianWrapper(path: string): boolean {
  return realpathSync(path).endsWith('/pg_wrapper')
}

async function identify(path: string, context: SourceContext, signal: AbortSignal): Promise<Program | null> {
  const running = {
    signal,
    runId: context.runId,
    said: (tool: string, line: string) => context.said(tool, line),
  }
  const text = await context.processes.output({ argv: [path, '--version'] }, running)
  const version = /\(PostgreSQL\) (\S+)/.exec(text)?.[1] ?? null
  const major = majorOf(version)
  return major === null ? null : { path, major, version: version! }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
