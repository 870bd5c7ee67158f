/** One fault, and how it is known that it is survived. */
export interface Row {
  fault: string
  /** File below `test/` and the title of a test in it, or a part that is in its text. */
  by?: readonly (readonly [file: string, title: string])[]
  /** Kinds of the torture that do it at random moments, too. */
  torture?: readonly string[]
  /** The feature it waits for. */
  later?: string
}
