import { Fault } from '../../core/faults.ts'
import type { SourceContext } from '../source.ts'
import { programVersionOf, type Flavour, type Version } from './flavour.ts'

/** An installed client program. */
export interface Program extends Version {
  path: string
}

type Task = 'dump' | 'restore'

/** What the two flavours call them; each may also be installed under the other's name. */
const names: Record<Task, Record<Flavour, string>> = {
  dump: { MariaDB: 'mariadb-dump', MySQL: 'mysqldump' },
  restore: { MariaDB: 'mariadb', MySQL: 'mysql' },
}

const sequencesSince = 1003 // MariaDB 10.3: an older mariadb-dump fails at sequences and loses history

/** The client for a server: of its own flavour, else the other one.
 * @throws Fault tool-missing · tool-too-old */
export async function programFor(
  task: Task,
  server: Version,
  context: SourceContext,
  signal: AbortSignal,
): Promise<{ program: Program; warnings: string[] }> {
  const found = await installed(task, context, signal)
  const program = found.find(({ flavour }) => flavour === server.flavour) ?? found[0]
  const hint = `install ${names[task][server.flavour]}: mariadb-client or mysql-client (Debian, Ubuntu, Alpine)`
  if (!program) throw new Fault('tool-missing', `${names[task][server.flavour]} is not installed`, { hint })
  const called = `${program.flavour} ${program.text}`
  if (isTooOld(program, server))
    throw new Fault(
      'tool-too-old',
      `the client is of ${called}: the server is ${server.flavour} ${server.text}`,
      { hint },
    )
  const warnings: string[] = []
  if (program.flavour !== server.flavour)
    warnings.push(`the client is of ${called}, the server is ${server.flavour} ${server.text}: ${hint}`)
  else if (program.number < server.number)
    warnings.push(
      `the client is of ${called}, older than the server (${server.text}): what is new there may be missing in the dump`,
    )
  return { program, warnings: task === 'dump' ? warnings : [] }
}

function isTooOld(program: Version, server: Version): boolean {
  if (program.flavour !== server.flavour) return false
  if (server.flavour === 'MariaDB') return program.number < sequencesSince && server.number >= sequencesSince
  return program.number < 800 && server.number >= 800 // 5.7 knows neither its catalogue nor its passwords
}

/** Whatever is on PATH under either name, each flavour once. */
async function installed(task: Task, context: SourceContext, signal: AbortSignal): Promise<Program[]> {
  const programs = new Map<Flavour, Program>()
  for (const name of Object.values(names[task])) {
    const path = context.processes.find(name)
    const program = path === null ? null : await identify(path, context, signal)
    if (program && !programs.has(program.flavour)) programs.set(program.flavour, program)
  }
  return [...programs.values()]
}

async function identify(path: string, context: SourceContext, signal: AbortSignal): Promise<Program | null> {
  const { runId } = context
  const running = { signal, runId, said: (tool: string, line: string) => context.said(tool, line) }
  const text = await context.processes.output({ argv: [path, '--no-defaults', '--version'] }, running)
  const version = programVersionOf(text)
  return version && { path, ...version }
}
