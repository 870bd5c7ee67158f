import { Fault } from '../../core/faults.ts'
import { isBrokenPipe, type ToolFailure } from '../../sys/process.ts'
import type { Direction, Hearing } from '../filter.ts'

const said = 'age: error: '

/** What the program and the library say; the library's words are the second of each line. */
const otherKey =
  /no identity matched|incorrect (identity|passphrase)|passphrase-encrypted|scrypt work factor/i
const unreadable =
  /^reading "|identity (file|type)|invalid identity|malformed (secret key|recipient)|invalid recipient/i

export function hear(direction: Direction): Hearing {
  return {
    line: (text) => text.startsWith('age: report unexpected'),
    bytes: () => null,
    judge: (failure) => (failure && !isBrokenPipe(failure) ? judge(direction, failure) : null),
  }
}

/** A file with a damaged header looks like one for somebody else: its digest is compared before it is decrypted. */
function judge(direction: Direction, failure: ToolFailure): Fault | null {
  const words = failure.lastWords.find((line) => line.startsWith(said))?.slice(said.length)
  if (words === undefined || failure.exitSignal !== null) return null
  if (unreadable.test(words))
    return new Fault('key-wrong', `age cannot use this key: ${words}`, {
      hint: 'compare it with what age-keygen printed',
      cause: failure,
    })
  if (direction === 'encode') return null
  if (otherKey.test(words))
    return new Fault('key-wrong', 'it was encrypted with age for another key or passphrase', {
      hint: 'take the identity_file or passphrase of the time when it was made',
      cause: failure,
    })
  return new Fault('object-corrupt', `not a whole age file: ${words}`, { cause: failure })
}
