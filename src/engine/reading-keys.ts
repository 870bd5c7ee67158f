import { readFile, stat } from 'node:fs/promises'
import { mistypedAgeIdentity, readAgeIdentities } from '../core/age-keys.ts'
import type { Strategy } from '../core/config.ts'
import type { Encryption, EncryptionFacts } from '../core/encryption.ts'
import { Fault } from '../core/faults.ts'

/** What reads a backup: the file that a person named, else what the configuration says now.
 * @param facts       of the backup's manifest
 * @param strategies  whose keys may fit, the likeliest first
 * @param keyFile     a private key, or a file whose first line is the passphrase; null = as configured
 * @returns null for a backup that is not encrypted
 * @throws Fault key-missing · passphrase-missing · key-wrong, as people read it; none says anything about the backup */
export async function keysToRead(
  facts: EncryptionFacts | null,
  strategies: readonly Pick<Strategy, 'encryption'>[],
  keyFile: string | null,
): Promise<ReadingKeys | null> {
  if (!facts) return null
  const candidates = keyFile === null ? configured(facts, strategies) : [await named(facts, keyFile)]
  const wrong: Fault[] = []
  for (const [index, keys] of candidates.entries()) {
    const fault = await otherKeys(facts, keys)
    if (!fault) return among(keys, candidates.length - index - 1)
    wrong.push(fault)
  }
  throw wrong[0] ?? missing(facts)
}

export interface ReadingKeys extends Encryption {
  /** So many more may fit: nothing but decrypting tells. */
  untried?: number
}

function among(keys: Encryption, untried: number): ReadingKeys {
  return untried === 0 ? keys : { ...keys, untried }
}

/** Keys that do not fit are no end where others are configured: people are told how many were not tried. */
export function withUntried(error: unknown, { untried: others }: ReadingKeys): unknown {
  if (others === undefined || !(error instanceof Fault) || error.code !== 'key-wrong') return error
  const those = others === 1 ? '1 other configured key was' : `${others} other configured keys were`
  return new Fault('key-wrong', `${error.message}; ${those} not tried`, {
    hint: 'name the one of the time when it was made with --key-file, on the host',
    cause: error,
  })
}

/** `encrypted with age to age1…`, as people read it. */
export function encryptedHow({ method, mode, keyIds }: EncryptionFacts): string {
  if (mode === 'passphrase') return `encrypted with ${method} and a passphrase`
  const [first, ...more] = keyIds.map(shortKey)
  return `encrypted with ${method} to ${first ?? 'somebody'}${more.length > 0 ? ` and ${more.join(', ')}` : ''}`
}

/** Enough of a public key to tell it from others. */
export function shortKey(id: string): string {
  return id.length > 24 ? `${id.slice(0, 14)}…${id.slice(-4)}` : id
}

function configured(
  { method, mode }: EncryptionFacts,
  strategies: readonly Pick<Strategy, 'encryption'>[],
): Encryption[] {
  const all = strategies.flatMap(({ encryption }) => encryption ?? [])
  const secretOf = ({ passphrase, identityFile }: Encryption): string | null =>
    mode === 'passphrase' ? passphrase : identityFile
  const fitting = all.filter((keys) => keys.type === method && secretOf(keys) !== null)
  return [...Map.groupBy(fitting, secretOf).values()].map(([first]) => first!)
}

function missing(facts: EncryptionFacts): Fault {
  if (facts.mode === 'passphrase')
    return new Fault('passphrase-missing', `it is ${encryptedHow(facts)} that is not on this host`, {
      hint: 'on the host, name a file that holds the passphrase with --key-file',
    })
  return new Fault('key-missing', `it is ${encryptedHow(facts)}, and no private key for it is on this host`, {
    hint: 'on the host, name the file with the private key with --key-file',
  })
}

async function named({ method, mode }: EncryptionFacts, keyFile: string): Promise<Encryption> {
  const found = await stat(keyFile).catch(() => null)
  if (found && !found.isFile())
    // it is read more than once
    throw new Fault('key-missing', `the key file ${keyFile} is no ordinary file`, {
      hint: 'name a file that only this user can read',
    })
  const text = await readFile(keyFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : 'cannot be read'
    throw new Fault('key-missing', `the key file ${keyFile} ${why}`, {
      hint: 'correct the path, or its rights',
    })
  })
  const none = { type: method, recipients: [], passphrase: null, identityFile: null, waiveDecryptTest: true }
  if (mode === 'recipients') return { ...none, identityFile: keyFile }
  const [passphrase = ''] = text.split(/\r?\n/)
  if (passphrase !== '') return { ...none, passphrase }
  throw new Fault('key-missing', `the first line of the key file ${keyFile} is empty`, {
    hint: 'write the passphrase into its first line',
  })
}

/** Known before a byte is fetched where the file says which keys it holds. */
async function otherKeys(facts: EncryptionFacts, { identityFile }: Encryption): Promise<Fault | null> {
  if (identityFile === null || facts.method !== 'age' || facts.keyIds.length === 0) return null
  const text = await readFile(identityFile, 'utf8').catch(() => null) // the filter itself says what is wrong
  if (text === null) return null
  const mistyped = mistypedAgeIdentity(text)
  if (mistyped !== null)
    return new Fault('key-wrong', `line ${mistyped} of ${identityFile} is not an age identity`, {
      hint: 'compare it with what age-keygen printed',
    })
  const found = readAgeIdentities(text)
  if (found === null || found.some(({ recipient }) => facts.keyIds.includes(recipient))) return null
  const those = found.length === 1 ? 'the identity' : `none of the ${found.length} identities`
  const fits = found.length === 1 ? 'does not fit' : 'fits'
  return new Fault('key-wrong', `it is ${encryptedHow(facts)}; ${those} in ${identityFile} ${fits}`, {
    hint: 'name the file with the private key that it was encrypted to with --key-file',
  })
}

/** A key that is missing or does not fit says nothing about the backup. */
export function isAboutKeys(error: unknown): error is Fault {
  return error instanceof Fault && ['key-missing', 'key-wrong', 'passphrase-missing'].includes(error.code)
}
