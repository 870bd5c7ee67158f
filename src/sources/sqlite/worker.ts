import { fileURLToPath } from 'node:url'
import { Fault, type FaultCode } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import type { SourceContext } from '../source.ts'
import { failureLine, type Answer, type Task } from './work.ts'

const program = fileURLToPath(new URL('work.ts', import.meta.url))

/** Does one task in a process of its own, which dies with the run.
 * @throws Fault database-refused · database-missing · database-locked · disk-full · `otherwise` */
export async function work<Given extends Answer>(
  task: Task,
  { context, otherwise }: { context: SourceContext; otherwise: FaultCode },
  signal: AbortSignal,
): Promise<Given> {
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', program, JSON.stringify(task)]
  const said = (_tool: string, line: string): void => context.said('sqlite', line)
  try {
    const text = await context.processes.output({ argv }, { signal, runId: context.runId, said })
    return JSON.parse(text) as Given
  } catch (error) {
    signal.throwIfAborted()
    throw faultOf(error, task.file, otherwise)
  }
}

/** Primary result codes that mean more than "it failed". https://www.sqlite.org/rescode.html */
const known: Record<number, { code: FaultCode; text: string; hint: string }> = {
  0: {
    code: 'database-locked',
    text: 'stayed locked by a writer for too long',
    hint: 'back up when nobody writes for long, or raise options.lock_timeout; PRAGMA journal_mode = WAL avoids it',
  },
  3: { code: 'database-refused', text: 'may not be opened', hint: 'give the service the right to read it' },
  13: { code: 'disk-full', text: 'could not be copied, the disk is full', hint: 'make room in temp_dir' },
  14: {
    code: 'database-refused',
    text: 'could not be opened',
    hint: 'give the service the right to read it; a file in WAL mode also needs the right to write to its folder',
  },
  26: { code: 'database-refused', text: 'is not a SQLite database', hint: 'check the path in database_url' },
}
const busy = [5, 6] // SQLITE_BUSY, SQLITE_LOCKED; a backup that never got its lock reports 0

function faultOf(error: unknown, file: string, otherwise: FaultCode): unknown {
  const words = error instanceof ToolFailure ? error.lastWords.map((line) => failureLine.exec(line)) : []
  const [, number, text] = words.findLast((match) => match !== null) ?? []
  if (number === undefined) return error
  const primary = Number(number) & 0xff
  const trouble = known[busy.includes(primary) ? 0 : primary]
  if (!trouble) return new Fault(otherwise, `SQLite failed on ${file}: ${text}`, { cause: error })
  const code = otherwise === 'proof-failed' && primary === 26 ? otherwise : trouble.code
  return new Fault(code, `${file} ${trouble.text}`, { hint: trouble.hint, cause: error })
}
