/** A way to one stored file for a short time. Whoever has the link can read the file: it is for one person, and goes into no
 * channel, log or state. */
export interface DownloadLink {
  backup: string
  strategy: string
  /** The name it is saved under. */
  file: string
  storage: string
  bytes: number
  /** Lower-case hex SHA-256 of the file as stored. */
  sha256: string
  /** `encrypted with age to age1…`: it stays so. Absent: it is not encrypted. */
  encrypted?: string
  url: string
  /** Epoch ms. */
  expiresAt: number
}
