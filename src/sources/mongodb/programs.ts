import { Fault } from '../../core/faults.ts'
import type { SourceContext } from '../source.ts'

/** An installed program of the MongoDB Database Tools. */
export interface Program {
  path: string
  /** e.g. `100.14.0`. */
  version: string
}

/** @throws Fault tool-missing */
export async function installed(
  name: 'mongodump' | 'mongorestore',
  context: SourceContext,
  signal: AbortSignal,
): Promise<Program> {
  const path = context.processes.find(name)
  if (path === null)
    throw new Fault('tool-missing', `${name} is not installed`, {
      hint: 'install the MongoDB Database Tools (mongodb-database-tools of MongoDB’s own packages), so that it is on PATH',
    })
  const running = {
    signal,
    runId: context.runId,
    said: (tool: string, line: string) => context.said(tool, line),
  }
  const text = await context.processes.output({ argv: [path, '--version'] }, running)
  const version = /version: (\S+)/.exec(text)?.[1]
  if (version === undefined)
    throw new Fault('tool-missing', `${path} does not say its version`, {
      hint: 'install the MongoDB Database Tools',
    })
  return { path, version }
}
