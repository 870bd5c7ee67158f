import { ToolFailure } from '../../sys/process.ts'

/** The same failure, told by the words that say why: what a program says last may be of no use to people. */
export function saying(words: string[], { tool, exitCode, exitSignal }: ToolFailure): ToolFailure {
  return new ToolFailure(tool, { code: exitCode, signal: exitSignal }, words)
}
