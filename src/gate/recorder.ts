import type { AuditEntry } from '../core/audit.ts'
import type { Clock } from '../core/clock.ts'
import { audit } from '../state/audit.ts'
import type { Database } from '../state/database.ts'

/** Keeps entries in the audit log, in one transaction; no secret gets in (promise 14). */
export type Recorder = (entries: readonly AuditEntry[]) => Promise<void>

export function createRecorder(parts: {
  database: Database
  clock: Clock
  scrub: (text: string) => string
}): Recorder {
  const { database, clock } = parts
  const scrub = (text: string | null): string | null =>
    text === null ? null : parts.scrub(text.replaceAll(/\s+/g, ' ').trim())
  return (entries) =>
    database.write(async (tx) => {
      for (const entry of entries)
        await audit(tx, { ...entry, reason: scrub(entry.reason), detail: scrub(entry.detail) }, clock.now())
    })
}
