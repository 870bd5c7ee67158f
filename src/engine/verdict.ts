import { asFault } from '../core/faults.ts'
import { suffix } from '../core/keys.ts'
import type { Level } from '../core/model.ts'
import type { Copy } from '../state/catalogue.ts'
import type { Run } from '../state/runs.ts'
import { bytesSpool } from '../sys/spool.ts'
import { storageOf, type EngineContext } from './context.ts'
import { folderOf } from './folder-of.ts'

/** The write-once sidecar that says what a verification or a drill found. */
export interface Verdict {
  schema: 1
  backup: string
  /** Reached; of one that is not ok: what still holds. */
  level: Level
  ok: boolean
  why: string | null
  at: string
  run: string
  /** When all of this copy was read and found whole, by whoever wrote this; absent: it was not. */
  readAt?: string
}

/** What is known of a copy from now on. */
export interface Mark {
  level: Level
  corrupt: string | null
  /** All of the copy was read then, and found whole. */
  readAt?: number
}

export interface Marking {
  run: Run
  copy: Copy
  signal: AbortSignal
}

/** Writes beside a copy what was found. It holds in our own state, too; a write-only or full place loses only the copy of it. */
export async function storeVerdict(
  context: EngineContext,
  { run, copy, signal }: Marking,
  { level, corrupt, readAt }: Mark,
): Promise<void> {
  const at = new Date(context.clock.now()).toISOString()
  const sidecar: Verdict = {
    schema: 1,
    backup: copy.id,
    level,
    ok: corrupt === null,
    why: corrupt,
    at,
    run: run.id,
    ...(readAt !== undefined && { readAt: new Date(readAt).toISOString() }),
  }
  const body = bytesSpool(Buffer.from(JSON.stringify(sidecar, null, 2) + '\n'))
  const key = `${folderOf(copy)}verdict-${sidecarStamp(context)}.json`
  try {
    await storageOf(context, copy.storage).put(key, body, { ifAbsent: true, signal })
  } catch (error) {
    context.log.warn('a verdict could not be stored beside its backup', {
      backup: copy.id,
      error: asFault(error).message,
    })
  }
}

/** Part of a sidecar's name: when, and something that no other has. */
export function sidecarStamp({ clock }: Pick<EngineContext, 'clock'>): string {
  const at = new Date(clock.now()).toISOString()
  return `${at.replaceAll(/[-:]/g, '').slice(0, 15)}Z-${suffix(() => clock.random())}`
}
