import { createHash, randomBytes, randomInt, scrypt } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { canonical } from '../core/canonical.ts'
import type { Strategy } from '../core/config.ts'
import type { DecryptTest } from '../core/decrypt-test.ts'
import type { Encryption, EncryptionFacts } from '../core/encryption.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { Actor, StrategyView } from '../core/model.ts'
import { audit } from '../state/audit.ts'
import { forget, recall, remember } from '../state/memory.ts'
import { encodingChain, encryptionFacts, stockDecoders } from './chain.ts'
import { strategyOf, type EngineContext } from './context.ts'
import { makeRunFolder } from './folders.ts'
import { encodeBytes } from './pipeline.ts'
import { encryptedHow } from './reading-keys.ts'
import { newRunId } from './restore/requests.ts'
import { inTurn } from './turns.ts'

/** Promise 16: a backup that nobody can decrypt is none, so somebody shows once, for these very keys, that they can. */

/** @throws Fault decrypt-untested with what to type */
export async function requireDecryptTest(context: EngineContext, strategy: Strategy): Promise<void> {
  if (!(await isUntested(context, strategy))) return
  throw new Fault(
    'decrypt-untested',
    `nobody has shown yet that backups of ${strategy.name} can be decrypted`,
    {
      hint: `type decrypt-test ${strategy.name}: it encrypts a word, which whoever has the key decrypts and types back; encryption.waive_decrypt_test: true goes without`,
    },
  )
}

/** Said before somebody confirms what begins with a backup of its own. null: nothing is in the way. */
export async function untestedBlocker(context: EngineContext, strategy: Strategy): Promise<string | null> {
  try {
    await requireDecryptTest(context, strategy)
    return null
  } catch (error) {
    const { message, hint } = asFault(error)
    return `no safety backup can be made: ${message}${hint === null ? '' : ` (${hint})`}`
  }
}

/** Encrypted, and neither tested with the keys that it has now nor waived. */
export async function isUntested(
  context: EngineContext,
  { encryption }: Pick<Strategy, 'encryption'>,
): Promise<boolean> {
  if (!encryption || encryption.waiveDecryptTest) return false
  return (await recall(context.database.read, testedKey(await keySetOf(context, encryption)))) === null
}

export async function encryptionView(
  context: EngineContext,
  strategy: Strategy,
): Promise<NonNullable<StrategyView['encryption']> | null> {
  if (!strategy.encryption) return null
  const untested = await isUntested(context, strategy).catch(() => true) // a key file that is gone: the backup says so
  return { type: strategy.encryption.type, untested }
}

const testedKey = (keys: string): string => `decrypt-tested/${keys}`
const wordKey = (strategy: string): string => `decrypt-word/${strategy}`

/** The word is kept as a digest only: whoever reads the state cannot pass the test for somebody else. */
interface Asked {
  keys: string
  salt: string
  digest: string
}

/** Makes a word, encrypted as the strategy's dumps are. An earlier one counts no more.
 * @throws Fault usage for a strategy without encryption · busy · tool-missing · key-missing · key-wrong */
export async function askDecryptTest(context: EngineContext, name: string): Promise<DecryptTest> {
  const { strategy, encryption } = encrypted(context, name)
  const keys = await keySetOf(context, encryption)
  const word = newWord()
  const { facts, sealed } = await inTurn(context, { longest: 3 }, () => seal(context, strategy, word))
  const salt = randomBytes(16).toString('hex')
  const asked: Asked = { keys, salt, digest: digestOf(word, salt) }
  await context.database.write((tx) => remember(tx, wordKey(name), JSON.stringify(asked)))
  const [decoder = ''] = stockDecoders(context.filters, [encryption.type], facts)
  return {
    strategy: name,
    how: encryptedHow(facts),
    isTested: !(await isUntested(context, { encryption: { ...encryption, waiveDecryptTest: false } })),
    command: `${decoder} <<'EOF'\n${armored(encryption.type, sealed)}EOF`,
  }
}

/** Records that somebody decrypted the word. @throws Fault usage (another word, or none was asked) · stale (other keys since) */
export async function passDecryptTest(
  context: EngineContext,
  { strategy: name, word }: { strategy: string; word: string },
  actor: Actor,
): Promise<void> {
  const { encryption } = encrypted(context, name)
  const keys = await keySetOf(context, encryption)
  const kept = await recall(context.database.read, wordKey(name))
  const again = `type decrypt-test ${name} for a new word`
  if (kept === null) throw new Fault('usage', `no word of ${name} is waited for`, { hint: again })
  const asked = JSON.parse(kept) as Asked
  if (asked.keys !== keys)
    throw new Fault('stale', `the keys of ${name} were changed since that word was made`, { hint: again })
  const isRight = digestOf(word, asked.salt) === asked.digest
  await context.database.write(async (tx) => {
    await audit(
      tx,
      {
        actor,
        act: 'decrypt-test',
        strategy: name,
        subject: null,
        planDigest: null,
        reason: null,
        result: isRight ? 'done' : 'failed',
        detail: isRight ? `keys ${keys.slice(0, 12)}` : 'another word was typed',
        link: null,
      },
      context.clock.now(),
    )
    if (!isRight) return
    await forget(tx, wordKey(name))
    await remember(tx, testedKey(keys), JSON.stringify({ at: context.clock.now(), by: actor }))
  })
  if (isRight) return
  throw new Fault('usage', 'that is not the word that was encrypted', {
    hint: `decrypt the newest message and type its word, or ${again}`,
  })
}

function encrypted(context: EngineContext, name: string): { strategy: Strategy; encryption: Encryption } {
  const strategy = strategyOf(context, name)
  if (strategy.encryption) return { strategy, encryption: strategy.encryption }
  throw new Fault('usage', `backups of ${name} are not encrypted`, {
    hint: 'there is nothing to test; encryption is set in the configuration',
  })
}

/** Names a set of keys without telling one. Files of keys are read anew each time, as gpg does: somebody may replace one while
 * the service runs. @throws Fault key-missing */
export async function keySetOf(context: EngineContext, encryption: Encryption): Promise<string> {
  const { type, recipients, passphrase } = encryption
  if (passphrase !== null) return ofPassphrase(context, encryption, passphrase)
  const keys = type === 'age' ? recipients : await Promise.all(recipients.map(fileDigest))
  return createHash('sha256')
    .update(canonical([type, ...keys.toSorted()]))
    .digest('hex')
}

const derivedOf = new WeakMap<Encryption, Promise<string>>()

/** Dear on purpose, so once for each configuration. */
function ofPassphrase(context: EngineContext, encryption: Encryption, passphrase: string): Promise<string> {
  const found =
    derivedOf.get(encryption) ??
    saltOf(context).then((salt) => derived(`${encryption.type}\n${passphrase}`, salt))
  derivedOf.set(encryption, found)
  found.catch(() => derivedOf.delete(encryption))
  return found
}

async function fileDigest(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new Fault('key-missing', `the key file ${path} cannot be read`, { cause })
  })
  return createHash('sha256').update(bytes).digest('hex')
}

const cost = 2 ** 14 // 16 MiB: a guess from a stolen state costs as much as one from a login form

function derived(secret: string, salt: string): Promise<string> {
  return new Promise((done, failed) => {
    scrypt(secret, salt, 32, { N: cost }, (error, key) => (error ? failed(error) : done(key.toString('hex'))))
  })
}

const saltKey = 'decrypt-test-salt'

async function saltOf({ database }: EngineContext): Promise<string> {
  const found = await recall(database.read, saltKey)
  if (found !== null) return found
  return database.write(async (tx) => {
    const other = await recall(tx, saltKey)
    if (other === null) await remember(tx, saltKey, randomBytes(16).toString('hex'))
    return (await recall(tx, saltKey))!
  })
}

/** Eight syllables that can be read aloud: 80^8 of them. */
function newWord(): string {
  const [heads, vowels] = ['bdfghjklmnprstvz', 'aeiou']
  const syllable = (): string => heads[randomInt(heads.length)]! + vowels[randomInt(vowels.length)]!
  return Array.from({ length: 4 }, () => syllable() + syllable()).join('-')
}

/** As a person types it. */
function digestOf(word: string, salt: string): string {
  const plain = word.trim().toLowerCase()
  return createHash('sha256').update(`${salt}\n${plain}`).digest('hex')
}

async function seal(
  context: EngineContext,
  { encryption }: Strategy,
  word: string,
): Promise<{ facts: EncryptionFacts; sealed: Buffer }> {
  const runId = newRunId(context)
  const folder = await makeRunFolder(context, runId)
  const said = (tool: string, line: string): void => context.log.debug('a tool said', { tool, line })
  const running = { signal: AbortSignal.timeout(sealMs), runId, said }
  const tools = { processes: context.processes, running, folder }
  try {
    const chain = encodingChain(context.filters, { compression: { type: 'none', level: null }, encryption })
    const facts = (await encryptionFacts(context.filters, encryption, tools))!
    return { facts, sealed: await encodeBytes(Buffer.from(`${word}\n`), chain, tools) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const sealMs = 30_000 // somebody waits for the answer

/** Text that can be pasted. Both programs read it as it is; OpenPGP’s checksum is optional (RFC 9580, section 6.1). */
function armored(type: Encryption['type'], bytes: Buffer): string {
  const [name, headers] = type === 'age' ? ['AGE ENCRYPTED FILE', ''] : ['PGP MESSAGE', '\n']
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${name}-----${headers}`, ...lines, `-----END ${name}-----`, ''].join('\n')
}
