import { Fault } from '../../core/faults.ts'
import { isBrokenPipe, type ToolFailure } from '../../sys/process.ts'

/** What a decoding program's failure says about the bytes it was given; null: it is the program's own trouble.
 * @param words  what it says of bytes that are cut, damaged or of another format */
export function notWhole(kind: string, words: RegExp, failure: ToolFailure | null): Fault | null {
  if (!failure || failure.exitSignal !== null || isBrokenPipe(failure)) return null
  const line = failure.lastWords.find((said) => words.test(said))
  return line === undefined
    ? null
    : new Fault('object-corrupt', `not a whole ${kind} file: ${line}`, { cause: failure })
}
