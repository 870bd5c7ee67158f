/** Programs around a backup. Each is an argument list; there is no shell. */
export interface HooksConfig {
  before: readonly (readonly string[])[]
  after: readonly (readonly string[])[]
  onFailure: readonly (readonly string[])[]
  /** Each of them is stopped after this. */
  timeoutMs: number
  /** Where they run: that of the configuration file. */
  folder: string
}
