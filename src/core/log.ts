export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFacts = Record<string, string | number | boolean | null | undefined>

/** Fixed text, facts as fields. It is passed down, never imported; every sink scrubs secrets. */
export interface Log {
  debug(text: string, facts?: LogFacts): void
  info(text: string, facts?: LogFacts): void
  warn(text: string, facts?: LogFacts): void
  error(text: string, facts?: LogFacts): void
  /** The same log with these facts on every line. */
  with(facts: LogFacts): Log
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog }
