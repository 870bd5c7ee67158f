import type { TSchema } from 'typebox'
import type { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Spool } from '../sys/spool.ts'

/** A kind of place for objects. One file plus one word in `registry.ts`. */
export interface StorageDriver {
  kind: string
  options: TSchema
  /** Words for a mistake in the options, or null. */
  judge(options: Record<string, unknown>): { mistake: string; hint: string } | null
  /** Reading may cost money: old backups are read again more sparingly. */
  readingCosts?: true
  open(name: string, options: Record<string, unknown>, context: StorageContext): Storage
}

export interface StorageContext {
  clock: Clock
  log: Log
}

/** Where objects live; it never knows what a backup is. Keys are relative, '/'-separated, 1–512 bytes of [A-Za-z0-9._/-],
 * no empty, '.' or '..' segment (Fault `usage` otherwise); no operation leaves the storage's root, also not through a symlink. */
export interface Storage {
  readonly name: string
  readonly kind: string
  /** Shown to people: a path or bucket, never a secret. */
  readonly location: string

  /** Stores one object, reading the spool while it still grows. Resolves only once it is durable and its digest is confirmed.
   * When the spool fails or the signal fires, nothing becomes visible at `key` and nothing is left behind.
   * @throws Fault storage-exists (ifAbsent) · storage-denied · storage-missing (never created by a put) · storage-unreachable · disk-full */
  put(key: string, spool: Spool, options: PutOptions): Promise<Receipt>

  /** @param range first and last byte, both included, as in HTTP; an end behind the object's is cut
   * @throws Fault object-missing · storage-unreachable */
  get(
    key: string,
    options: { range?: { start: number; end: number }; signal: AbortSignal },
  ): Promise<Readable>

  /** null when there is no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectInfo | null>

  /** A page of objects whose key starts with `prefix`, in key order; unfinished uploads are never listed.
   * @param cursor from the page before, null for the first */
  list(
    prefix: string,
    cursor: string | null,
    signal: AbortSignal,
  ): Promise<{ objects: ObjectInfo[]; cursor: string | null }>

  /** Removing what is not there is fine. @throws Fault object-retained with the date · storage-denied */
  remove(key: string, signal: AbortSignal): Promise<void>

  /** Removes old unfinished uploads. @returns how many */
  sweep(which: Sweep, signal: AbortSignal): Promise<number>

  /** Ends an unfinished upload that a dead process left at `key`. Ending what is gone is fine. Absent where uploads leave no trace.
   * @param upload what `onUpload` was given */
  abandon?(key: string, upload: string, signal: AbortSignal): Promise<void>

  /** A link by which whoever has it reads one object without credentials, until it ends; the place itself is not asked.
   * Absent where there are no such links. @param options.filename  what a browser saves it as; [A-Za-z0-9._-] */
  presign?(
    key: string,
    options: { expiresMs: number; filename: string },
    signal: AbortSignal,
  ): Promise<string>

  /** Until when the place itself refuses to delete the object (Object Lock), epoch ms; null = it may be deleted now. */
  retainUntil?(key: string, signal: AbortSignal): Promise<number | null>

  /** For doctor: writes, reads and removes a small object. */
  check(signal: AbortSignal): Promise<{ ok: boolean; text: string; hint: string | null }>
}

export interface Sweep {
  /** Those begun before this instant, epoch ms. */
  olderThan: number
  /** Of these keys only, where an upload without a name of its own is known by its key: the place may be shared. */
  isOurs(key: string): boolean
}

export interface PutOptions {
  /** Fails with `storage-exists` instead of replacing. */
  ifAbsent: boolean
  /** An upload that somebody has to end when we die: awaited before its first byte is sent; null once it is complete or ended. */
  onUpload?: (upload: string | null) => Promise<void>
  /** Bytes handed over so far. */
  onState?: (sentBytes: number) => void
  signal: AbortSignal
}

export interface Receipt {
  bytes: number
  /** Lower-case hex SHA-256 of the stored bytes, computed while they were written. */
  sha256: string
}

export interface ObjectInfo {
  key: string
  bytes: number
  modifiedAt: number
}
