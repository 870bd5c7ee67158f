import type { SampleServer } from './database.ts'

/** What every measurement gets. */
export interface Bench {
  sample: SampleServer
  /** Emptied and removed at the end. */
  folder: string
  rounds: number
  /** Of the sample, in millions of bytes of its uncompressed dump. */
  sizeMb: number
  /** Says how it goes, on standard error. */
  told: (line: string) => void
}
