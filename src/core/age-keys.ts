import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** Keys of age as its programs write them: Bech32 (BIP 173) over 32 bytes of X25519.
 * Formats: https://github.com/C2SP/C2SP/blob/main/age.md, "The X25519 recipient type". */

const publicPrefix = 'age'
const secretPrefix = 'age-secret-key-'
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex') // RFC 8410: what stands before the 32 bytes of a private key

/** A private key as text must never be shown; this finds it wherever it was pasted. */
export const agePrivateKey = /AGE-SECRET-KEY-[0-9A-Z-]+/i

/** Is it `age1…` with a right checksum? */
export function isAgeRecipient(text: string): boolean {
  const read = decode(text)
  return text === text.toLowerCase() && read?.prefix === publicPrefix && read.bytes.length === 32
}

export interface AgeIdentity {
  /** `AGE-SECRET-KEY-1…`: a secret. */
  secret: string
  /** The public half, `age1…`. */
  recipient: string
}

/** The private keys of an identity file, as `age-keygen` writes it: one to a line, comments begin with #.
 * @returns null when a line is no key */
export function readAgeIdentities(text: string): AgeIdentity[] | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const found = written.map(readIdentity)
  return found.includes(null) ? null : (found as AgeIdentity[])
}

/** @returns the number of the first line that is meant to be a key of this kind and is mistyped; null = there is none */
export function mistypedAgeIdentity(text: string): number | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const index = lines.findIndex((line) => /^AGE-SECRET-KEY-1/i.test(line) && readIdentity(line) === null)
  return index < 0 ? null : index + 1
}

export function newAgeIdentity(): AgeIdentity {
  const { privateKey } = generateKeyPairSync('x25519')
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  return {
    secret: encode(secretPrefix, secret).toUpperCase(),
    recipient: encode(publicPrefix, publicHalf(privateKey)),
  }
}

function readIdentity(line: string): AgeIdentity | null {
  const read = decode(line)
  if (read?.prefix !== secretPrefix || read.bytes.length !== 32) return null
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, read.bytes]), format: 'der', type: 'pkcs8' })
  return { secret: line, recipient: encode(publicPrefix, publicHalf(key)) }
}

function publicHalf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

function encode(prefix: string, bytes: Buffer): string {
  const values = regroup([...bytes], 8, 5)
  const sum = checksum([...spread(prefix), ...values, 0, 0, 0, 0, 0, 0]) ^ 1
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (sum >> shift) & 31)
  return `${prefix}1${[...values, ...check].map((value) => alphabet[value]).join('')}`
}

function decode(text: string): { prefix: string; bytes: Buffer } | null {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return null
  const split = lower.lastIndexOf('1')
  const prefix = lower.slice(0, split)
  const values = Array.from(lower.slice(split + 1), (letter) => alphabet.indexOf(letter))
  if (split < 1 || values.length < 6 || values.includes(-1)) return null
  if (checksum([...spread(prefix), ...values]) !== 1) return null
  return { prefix, bytes: Buffer.from(regroup(values.slice(0, -6), 5, 8)) }
}

/** Bits of one size in groups of another; what is left over when reading is padding. */
function regroup(values: number[], from: number, to: number): number[] {
  const groups: number[] = []
  let [bits, count] = [0, 0]
  for (const value of values) {
    bits = ((bits << from) | value) & 0xfff
    count += from
    for (; count >= to; count -= to) groups.push((bits >> (count - to)) & ((1 << to) - 1))
  }
  if (to < from && count > 0) groups.push((bits << (to - count)) & ((1 << to) - 1))
  return groups
}

function spread(prefix: string): number[] {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

function checksum(values: number[]): number {
  return values.reduce((sum, value) => {
    const top = sum >>> 25
    const next = ((sum & 0x1ffffff) << 5) ^ value
    return generator.reduce((mixed, part, bit) => ((top >> bit) & 1 ? mixed ^ part : mixed), next)
  }, 1)
}
