import { Fault } from '../../core/faults.ts'
import { isBrokenPipe, type ToolFailure } from '../../sys/process.ts'
import type { Direction, Hearing } from '../filter.ts'
import { saying } from '../wrap/saying.ts'

const said = 'age: error: '

/** What the program and the library say; the library's words are the second of each line. */
const otherKey =
  /no identity matched|incorrect (identity|passphrase)|passphrase-encrypted|scrypt work factor/i
const unreadable =
  /^reading "|identity (file|type)|invalid identity|malformed (secret key|recipient)|invalid recipient/i
/** Of files that are cut, damaged or no age files; anything else may be trouble of this machine, which says nothing about the file. */
const notWhole =
  /^failed to (read (header|nonce)|parse|decrypt and authenticate)|^bad header|^malformed|^(unexpected )?EOF$|invalid [a-z0-9]+ recipient block|last chunk|trailing data|unexpected data/i
const ownTrouble = /\b(read|write|open) \/\S+: / // a system call that failed: `write /dev/stdout: no space left on device`

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
  if (unreadable.test(words)) return unusable(words, failure)
  if (direction === 'encode') return null
  if (otherKey.test(words))
    return new Fault('key-wrong', 'it was encrypted with age for another key or passphrase', {
      hint: 'take the identity_file or passphrase of the time when it was made',
      cause: failure,
    })
  if (!notWhole.test(words) || ownTrouble.test(words)) return saying([said + words], failure)
  return new Fault('object-corrupt', `not a whole age file: ${words}`, { cause: failure })
}

/** The line itself is never shown: it may be a private key but for one letter. */
function unusable(words: string, cause: ToolFailure): Fault {
  const [, file, line] = /^reading "([^"]+)":.* line (\d+)/.exec(words) ?? []
  const what = line ? `line ${line} of ${file} is not an age identity` : `age cannot use this key: ${words}`
  return new Fault('key-wrong', what, { hint: 'compare it with what age-keygen printed', cause })
}
