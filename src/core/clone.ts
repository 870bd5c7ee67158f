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
