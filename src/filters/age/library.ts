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
    const { code, message } = error as NodeJS.ErrnoException
    process.exitCode = 1
    writeSync(2, `age: error: ${code === 'EPIPE' ? 'broken pipe' : message}\n`)
  }
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
  for (const identity of identityFile === null ? [] : identitiesIn(identityFile))
    decrypter.addIdentity(identity)
  return decrypter.decrypt(input)
}

/** One to a line, as `age-keygen` writes them. */
function identitiesIn(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    passedThrough(chunk.length)
    yield chunk
  }
}
