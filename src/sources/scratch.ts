import type { Artifact, Manifest } from '../core/model.ts'
import type { RawInput, Restored } from './source.ts'

/** Where drills restore to. What is there too little of on this machine is a Fault `drill-inconclusive`, and says nothing
 * about a backup. */
export interface Scratches {
  /** Bytes that restoring it here takes at least beside what was fetched, with indexes and logs; of a given server they are its own. */
  room(backup: Pick<Manifest, 'storedBytes' | 'rawBytes'>): number
  /** Makes ready what a restore needs: a private server, started in the run's folder, or a new database on a given one.
   * @throws Fault drill-inconclusive · tool-missing · tool-too-old · database-… · disk-… */
  open(backup: Manifest, at: ScratchPlace, signal: AbortSignal): Promise<Scratch>
  /** After a crash, before the run's folder is removed: removes what a dead run left elsewhere. Its processes are gone already.
   * @throws Fault database-… when a given server cannot be asked */
  sweep(backup: Manifest, at: ScratchPlace, signal: AbortSignal): Promise<void>
}

export interface ScratchPlace {
  /** Of a given server; null: one of our own. */
  url: string | null
  /** The time in the new database's name, the same each time for one run. */
  stamp: string
}

export interface Scratch {
  /** In words: `a scratch PostgreSQL 15.9`. */
  server: string
  /** Restores without owners, grants and tablespaces, and counts.
   * @throws Fault restore-failed · restore-incomplete · drill-inconclusive (an extension, role or setting is missing here) */
  restore(artifact: (artifact: Artifact) => Promise<RawInput>, signal: AbortSignal): Promise<Restored>
  /** How many schema objects of each kind a dump holds. @param raw  the artifact's */
  objectsOf(raw: RawInput, signal: AbortSignal): Promise<Record<string, number>>
  /** The same of what was restored. `alike`: counted by programs of the same version, so that a difference is one of the data. */
  objects(signal: AbortSignal): Promise<{ counted: Record<string, number>; alike: boolean }>
  /** Asks it read-only. @returns the first value of the first row as text; null: none, or NULL
   * @throws Fault restore-incomplete (the database cannot answer it) · timed-out */
  ask(sql: string, signal: AbortSignal): Promise<string | null>
  /** As `Source.works`. */
  works?(signal: AbortSignal): Promise<boolean>
  /** Ends and removes everything, also after an abort. @returns what is left behind, in words; null: nothing. Never throws */
  close(): Promise<string | null>
}
