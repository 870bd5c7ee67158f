import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import type { Command } from '../../sys/process.ts'
import type { Filter, FilterOptions } from '../filter.ts'
import { hear } from './hear.ts'
import { identitiesOf, keysOf } from './keys.ts'
import type { Order } from './library.ts'

/** age (https://age-encryption.org/v1): ChaCha20-Poly1305 in chunks of 64 KiB, each of them authenticated, the last one marked.
 * By the `age` program; where it is not installed, and with a passphrase, which it takes from a terminal only, by the
 * age-encryption library in a process of its own: making a key of a passphrase takes a second and 256 MiB, which the service
 * does not have to spare (promise 19). */
export const age: Filter = {
  kind: 'age',
  role: 'encryption',
  extension: '.age',
  options: Type.Object({}, { additionalProperties: false }),
  program(direction, has, options) {
    const { recipients, passphrase } = keysOf(options)
    if (passphrase !== null || !has('age')) return library(direction, options)
    if (direction === 'decode') return { argv: ['age', '-d', '-i', identitiesOf(options)] }
    return { argv: ['age', '-e', ...recipients.flatMap((recipient) => ['-r', recipient])] }
  },
  sniff(head) {
    const begin = Buffer.from(head.subarray(0, magic.length)).toString('latin1')
    return begin.length >= 6 && magic.startsWith(begin)
  },
  canHold(plainBytes, { head, bytes }) {
    const header = headerBytes(head)
    if (header === null) return bytes > Math.max(head.length, plainBytes ?? 0) // recipients beyond what was looked at
    const chunks = Math.max(1, Math.ceil((plainBytes ?? 0) / chunkBytes))
    const whole = header + nonceBytes + (plainBytes ?? 0) + chunks * tagBytes
    return plainBytes === null ? bytes >= whole : bytes === whole
  },
  hear,
  stockDecode: (mode) => (mode === 'passphrase' ? 'age -d' : 'age -d -i KEYFILE'),
  keys: {
    async prepare(direction, options) {
      if (direction === 'decode' && keysOf(options).passphrase === null) identitiesOf(options)
      return { options, close: async () => {} }
    },
    async facts(options) {
      const { recipients, passphrase } = keysOf(options)
      if (passphrase !== null) return { method: 'age', mode: 'passphrase', keyIds: [] }
      return { method: 'age', mode: 'recipients', keyIds: [...recipients] }
    },
  },
}

const magic = 'age-encryption.org/v1\n' // https://github.com/C2SP/C2SP/blob/main/age.md, "The file header"

// the same, "Payload": a nonce, then chunks that each carry their tag
const nonceBytes = 16
const chunkBytes = 64 * 1024
const tagBytes = 16

/** It ends with the line of its own digest; null = not in these bytes. */
function headerBytes(head: Uint8Array): number | null {
  const mac = /\n--- [^\n]+\n/.exec(Buffer.from(head).toString('latin1'))
  return mac && mac.index + mac[0].length
}

const program = fileURLToPath(new URL('./library.ts', import.meta.url))

/** Two processes with the flags of ours would not fit a small host: few bytes are on their way, so little is collected often. */
const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc', '--max-semi-space-size=2']

function library(direction: Order['direction'], options: FilterOptions): Command {
  const { recipients, passphrase } = keysOf(options)
  const needsIdentities = direction === 'decode' && passphrase === null
  const order: Order = {
    direction,
    recipients,
    passphrase,
    identityFile: needsIdentities ? identitiesOf(options) : null,
  }
  return { name: 'age', argv: [process.execPath, ...flags, program], secrets: [JSON.stringify(order)] }
}
