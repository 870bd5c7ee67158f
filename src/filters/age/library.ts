import { createReadStream, createWriteStream, readFileSync, writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { pipeline } from 'node:stream/promises'
import { Decrypter, Encrypter } from 'age-encryption'
import { passedThrough } from '../../sys/memory.ts'

/** A program of its own: standard input to standard output, in the place of the `age` program. Says what the other one says. */

/** Comes through descriptor 3, because a passphrase belongs neither into arguments nor into the environment. */
export interface Order {
  direction: 'encode' | 'decode'
  recipients: readonly string[]
  passphrase: string | null
  identityFile: string | null
}

/** Base-2 logarithm of scrypt's N, as the age program writes it (`age -p`, "about 1 s on a modern machine"): every tool of the
 * format reads it, and nobody who has the file can try passphrases more cheaply than there. */
const scryptWorkFactor = 18

if (import.meta.main) await work(JSON.parse(readFileSync(3, 'utf8')) as Order)

async function work(order: Order): Promise<void> {
  try {
    const input = Readable.toWeb(createReadStream('', { fd: 0 })) as unknown as Bytes
    const output = await (order.direction === 'encode' ? encrypted(order, input) : decrypted(order, input))
    await pipeline(
      Readable.fromWeb(output as unknown as ReadableStream),
      counted,
      createWriteStream('', { fd: 1 }),
    )
  } catch (error) {
    process.exitCode = 1
    writeSync(2, `age: error: ${wordsOf(error as NodeJS.ErrnoException, order)}\n`)
  }
}

/** What the library finds wrong with a file is a plain error; those of this machine have a code, or a class of their own. */
function wordsOf(error: NodeJS.ErrnoException, { direction }: Order): string {
  const { code, message } = error
  if (code === 'EPIPE') return 'broken pipe'
  const isOfFile = direction === 'decode' && code === undefined && error.constructor === Error
  return isOfFile ? `malformed file: ${message}` : message
}

type Bytes = Parameters<Encrypter['encrypt']>[0] & globalThis.ReadableStream<Uint8Array>

async function encrypted({ recipients, passphrase }: Order, input: Bytes): Promise<Bytes> {
  const encrypter = new Encrypter()
  if (passphrase === null) for (const recipient of recipients) encrypter.addRecipient(recipient)
  else {
    encrypter.setPassphrase(passphrase)
    encrypter.setScryptWorkFactor(scryptWorkFactor)
  }
  return encrypter.encrypt(input)
}

async function decrypted({ passphrase, identityFile }: Order, input: Bytes): Promise<Bytes> {
  const decrypter = new Decrypter()
  if (passphrase !== null) decrypter.addPassphrase(passphrase)
  if (identityFile !== null) addIdentities(decrypter, identityFile)
  return decrypter.decrypt(input)
}

/** One to a line, as `age-keygen` writes them. The library quotes a line that it cannot read, and it may be a private key but for one
 * letter. */
function addIdentities(decrypter: Decrypter, file: string): void {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  for (const [index, line] of lines.map((written) => written.trim()).entries()) {
    if (line === '' || line.startsWith('#')) continue
    try {
      decrypter.addIdentity(line)
    } catch {
      throw new TypeError(`reading "${file}": error at line ${index + 1}`)
    }
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    passedThrough(chunk.length)
    yield chunk
  }
}
