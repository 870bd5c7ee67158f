/** A database that copies of a strategy's backups go to, by a name that people type. Holds secrets; never printed. */
export interface CloneConfig {
  url: string
  /** Files of SQL that are run in the copy before anybody else sees it, absolute. */
  sanitize: readonly string[]
  /** So long after it was made it is dropped; null: it stays. */
  dropAfterMs: number | null
  /** Overwriting it needs a second person. */
  protected: boolean
}

/** What a plan says of a copy, beside its target. */
export interface ClonePlan {
  place: string
  /** It is made under this name, and gets its own only when it is as it has to be. */
  beside: string
  /** How what is there is called until it is dropped, right after the copy took its name. */
  kept: string
  /** A confirmation is bound to what is in the files; null: the file cannot be read. */
  sanitize: readonly { file: string; sha256: string | null }[]
  dropAfterMs: number | null
  protected: boolean
}

/** What was run in a copy before it got its name. */
export interface Sanitized {
  /** The file, without its folder. */
  file: string
  /** Rows that its statements changed; null: nobody counted. */
  rows: number | null
}

export interface CloneResult {
  place: string
  sanitized: readonly Sanitized[]
  /** When it is dropped; null: it stays. */
  until: number | null
  /** A database of this name was there, and is gone. */
  replaced: boolean
}

/** A copy that is still there. */
export interface CloneView {
  /** The run that made it. */
  run: string
  strategy: string
  place: string
  name: string
  endpoint: string
  backup: string
  madeAt: number
  until: number | null
}
