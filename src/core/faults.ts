/** The one table of everything that can go wrong: its exit code on the command line, and whether trying again can help. */
export const faultTable = {
  internal: { exit: 1, retry: false, means: 'a defect in easy-backup itself' },
  usage: { exit: 2, retry: false, means: 'the command was not understood' },
  'config-invalid': { exit: 3, retry: false, means: 'the configuration file has mistakes' },
  'not-yet': { exit: 4, retry: false, means: 'the feature comes with a later release' },
  'not-found': { exit: 5, retry: false, means: 'no such strategy, run, backup or request' },
  denied: { exit: 6, retry: false, means: 'this person may not do this' },
  busy: { exit: 7, retry: false, means: 'the same thing is already running' },
  stale: { exit: 8, retry: false, means: 'the card or plan is no longer valid' },
  expired: { exit: 9, retry: false, means: 'nobody confirmed in time' },
  cancelled: { exit: 10, retry: false, means: 'somebody cancelled it' },
  interrupted: { exit: 11, retry: false, means: 'the service stopped while it ran' },
  'timed-out': { exit: 12, retry: true, means: 'it took longer than its limit' },
  stalled: { exit: 13, retry: true, means: 'nothing moved for too long' },
  'hook-failed': { exit: 16, retry: true, means: 'a program of `hooks.before` failed' },
  rejected: { exit: 15, retry: false, means: 'somebody who may decide said no' },
  'check-failed': { exit: 14, retry: false, means: 'doctor found something that has to be mended' },
  'tool-missing': { exit: 20, retry: false, means: 'a program that is needed is not installed' },
  'tool-too-old': { exit: 21, retry: false, means: 'the installed client is older than the server' },
  'tool-failed': { exit: 22, retry: true, means: 'a program ended with an error' },
  'dump-failed': { exit: 23, retry: true, means: 'the database dump ended with an error' },
  'dump-empty': { exit: 24, retry: true, means: 'the dump is empty although the source has tables' },
  'proof-failed': { exit: 25, retry: true, means: 'the dump could not be decoded whole' },
  'database-unreachable': { exit: 26, retry: true, means: 'the database server did not answer' },
  'database-refused': { exit: 27, retry: false, means: 'the database refused the user, password or right' },
  'database-missing': { exit: 28, retry: false, means: 'the database does not exist' },
  'database-locked': { exit: 29, retry: true, means: 'a lock in the database was not released in time' },
  'storage-unreachable': { exit: 30, retry: true, means: 'the place for backups did not answer' },
  'storage-denied': { exit: 31, retry: false, means: 'the place for backups refused an operation' },
  'storage-missing': { exit: 32, retry: false, means: 'the folder or bucket for backups is not there' },
  'storage-exists': { exit: 33, retry: false, means: 'an object of this name already exists' },
  'object-missing': { exit: 34, retry: false, means: 'the stored object is gone' },
  'object-corrupt': { exit: 35, retry: false, means: 'the stored object is not what was written' },
  'disk-full': { exit: 36, retry: false, means: 'there is no space left on the disk' },
  'disk-failed': { exit: 37, retry: true, means: 'reading or writing a file failed' },
  'object-retained': {
    exit: 38,
    retry: false,
    means: 'the place keeps the object until a date (Object Lock)',
  },
  'sanitize-failed': { exit: 39, retry: false, means: 'SQL that cleans a copy ended with an error' },
  'restore-failed': { exit: 40, retry: false, means: 'the restore stopped at an error' },
  'restore-incomplete': { exit: 41, retry: false, means: 'the restored data differs from the backup' },
  'drill-failed': { exit: 44, retry: false, means: 'a restored backup is not what it should be' },
  'drill-inconclusive': {
    exit: 45,
    retry: false,
    means: 'a drill could not tell whether its backup restores',
  },
  'target-exists': { exit: 42, retry: false, means: 'the restore target is not empty' },
  'target-invalid': { exit: 43, retry: false, means: 'this cannot be restored there' },
  'key-missing': { exit: 46, retry: false, means: 'a key that is needed is not there' },
  'passphrase-missing': {
    exit: 49,
    retry: false,
    means: 'a passphrase is needed that is not on this host',
  },
  'decrypt-untested': {
    exit: 48,
    retry: false,
    means: 'nobody has shown that encrypted backups can be decrypted',
  },
  'key-wrong': { exit: 47, retry: false, means: 'the key does not fit' },
  'state-locked': { exit: 50, retry: false, means: 'another instance uses the same state folder' },
  'state-corrupt': { exit: 51, retry: false, means: 'the state database cannot be used' },
  'audit-broken': { exit: 52, retry: false, means: 'the audit log is not what was written' },
  'tunnel-unreachable': { exit: 54, retry: true, means: 'a jump host or proxy did not answer, or broke off' },
  'tunnel-refused': { exit: 55, retry: false, means: 'a jump host or proxy refused us, or its key is wrong' },
  'slack-refused': { exit: 60, retry: false, means: 'Slack refused a call' },
  'slack-unreachable': { exit: 61, retry: true, means: 'Slack did not answer' },
  'notifier-refused': { exit: 62, retry: false, means: 'a mail server, webhook or heartbeat cannot be used' },
  'notifier-unreachable': {
    exit: 63,
    retry: true,
    means: 'a mail server, webhook or heartbeat did not answer',
  },
} as const satisfies Record<string, { exit: number; retry: boolean; means: string }>

export type FaultCode = keyof typeof faultTable

export interface FaultOptions {
  /** What to do next, in words a person can follow. */
  hint?: string
  cause?: unknown
  /** Overrides the table, e.g. a tool failure that can never succeed. */
  retry?: boolean
}

/** Something went wrong in a way we understand; `message` is lower case without full stop. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly hint: string | null
  readonly retry: boolean
  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.hint = options.hint ?? null
    this.retry = options.retry ?? faultTable[code].retry
  }
}

/** The same fault with words that may be shown (promise 14). */
export function withoutSecrets(error: unknown, scrub: (text: string) => string): Fault {
  const { code, message, hint, retry } = asFault(error)
  return new Fault(code, scrub(message), {
    ...(hint === null ? {} : { hint: scrub(hint) }),
    retry,
    cause: error,
  })
}

/** Plain JSON, so that it can be stored, replayed and sent. */
export interface FaultFacts {
  code: FaultCode
  text: string
  hint: string | null
}

export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const text = error instanceof Error ? error.message : String(error)
  return new Fault('internal', text || 'unknown error', { cause: error })
}

export function faultFacts(error: unknown): FaultFacts {
  const { code, message, hint } = asFault(error)
  return { code, text: message, hint }
}
