/** What is asked at the engine's door, and what comes back, where it is more than a few words. */

export interface DownloadAsk {
  /** A backup id, its last four characters, or `latest`. */
  backup: string
  strategy: string | null
  /** Which file; null = the only one. */
  file: string | null
}

export interface PinAsk {
  /** A backup id, its last four characters, or `latest`. */
  backup: string
  strategy: string | null
  /** A duration from now, or a date: its start in the zone of the strategy; null = until it is unpinned. */
  until: string | null
  note: string | null
}

/** One series in one place, as retention sees it. */
export interface RetentionView {
  strategy: string
  series: string
  storage: string
  timezone: string
  /** As people say it; null: nothing is ever deleted. */
  policy: string | null
  /** Why nothing is deleted although some is due. */
  frozen: string | null
  /** Newest first. */
  backups: {
    id: string
    createdAt: number
    storedBytes: number
    keep: boolean
    reason: string
    /** It would go, and the place refuses that until then (Object Lock). */
    retainedUntil: number | null
  }[]
}
