import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Scrub } from '../core/secret.ts'

/** What a run's tools said, line by line, kept with the run and shown by View Log. */
export interface RunLogs {
  /** Never throws: a full disk must not end the run that talks, nor the service. */
  append(runId: string, line: string): void
  read(runId: string): string
  /** The run has ended: nothing about it is kept in memory. */
  close(runId: string): void
  /** The run is forgotten, and so is what it said. */
  remove(runId: string): void
}

const capBytes = 1024 * 1024 // product: at most 1 MiB per run

/** One file per run, so that a crash keeps what was said until then. */
export function createRunLogs(folder: string, clock: Clock, scrub: Scrub): RunLogs {
  const written = new Map<string, number>()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = (runId: string): string => join(folder, `${runId}.log`)

  function append(runId: string, line: string): void {
    const before = written.get(runId) ?? 0
    if (before > capBytes) return
    const text = `${new Date(clock.now()).toISOString()} ${scrub(line)}\n`
    const over = before + Buffer.byteLength(text) > capBytes
    try {
      appendFileSync(path(runId), over ? '… the rest was cut: a run keeps 1 MiB\n' : text, { mode: 0o600 })
    } catch {
      return // the next line tries again
    }
    written.set(runId, over ? capBytes + 1 : before + Buffer.byteLength(text))
  }

  function read(runId: string): string {
    try {
      return readFileSync(path(runId), 'utf8')
    } catch {
      return ''
    }
  }

  const remove = (runId: string): void => rmSync(path(runId), { force: true })

  return { append, read, close: (runId) => void written.delete(runId), remove }
}
