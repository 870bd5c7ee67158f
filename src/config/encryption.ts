import { resolve as absolute } from 'node:path'
import { agePrivateKey, isAgeRecipient, readAgeIdentities } from '../core/age-keys.ts'
import type { Strategy } from '../core/config.ts'
import type { Encryption } from '../core/encryption.ts'
import { strategiesOf } from './check-strategies.ts'
import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shorten, shown } from './shown.ts'

type Written = Exclude<NonNullable<StrategyFile['encryption']>, string>

/** What the schema alone cannot tell of keys. Files of keys are read here, so that a missing one stops the start and not the restore. */
export function checkEncryption(examination: Examination): void {
  for (const [value, at] of placesOf(examination.root))
    if (isMapping(value) && examination.findings.clean(at)) checkRule(value as Written, at, examination)
}

/** Where encryption is written. */
function placesOf(root: Record<string, unknown>): [value: unknown, at: string][] {
  const global = isMapping(root.global) ? root.global : {}
  return [
    [global.encryption, '/global/encryption'],
    ...strategiesOf(root).map(({ strategy, pointer }): [unknown, string] => [
      strategy.encryption,
      child(pointer, 'encryption'),
    ]),
  ]
}

function checkRule(rule: Written, at: string, examination: Examination): void {
  const { findings } = examination
  const { type, recipients, passphrase, identity_file: identity } = rule
  if (recipients === undefined && passphrase === undefined)
    findings.mistake(
      at,
      'it says no key',
      type === 'age'
        ? 'write recipients: [age1…] (easy-backup keygen makes a key), or passphrase: ${BACKUP_PASSPHRASE}'
        : 'write recipients: [./public-key.asc], or passphrase: ${BACKUP_PASSPHRASE}',
    )
  if (recipients !== undefined && passphrase !== undefined)
    findings.keyMistake(child(at, 'passphrase'), 'the key is given twice', 'keep recipients or passphrase')
  recipients?.forEach((recipient, index) => {
    const place = child(child(at, 'recipients'), index)
    if (type === 'age') checkAgeRecipient(recipient, place, examination)
    else checkGpgRecipient(recipient, place, examination)
    if (recipients.indexOf(recipient) < index) findings.mistake(place, 'it is there twice', 'remove it here')
  })
  if (passphrase !== undefined && /[\r\n]/.test(passphrase))
    findings.mistake(child(at, 'passphrase'), 'it has several lines', 'write one line')
  if (identity !== undefined && passphrase !== undefined)
    findings.keyMistake(
      child(at, 'identity_file'),
      'it is for recipients; the passphrase itself decrypts',
      'remove it',
    )
  else if (identity !== undefined) checkIdentity(rule, child(at, 'identity_file'), examination)
}

const listHow = 'write the public key, age1…, that easy-backup keygen or age-keygen printed'

function checkAgeRecipient(recipient: string, at: string, { findings, secrets }: Examination): void {
  const secret = agePrivateKey.exec(recipient)?.[0]
  if (secret !== undefined) {
    secrets.add(secret)
    secrets.add(recipient)
    const wrong = 'this is a private key: whoever reads this file could read every backup'
    findings.mistake(at, wrong, 'write its public key, age1… (age-keygen -y FILE), and make a new one')
  } else if (recipient.startsWith('ssh-'))
    findings.mistake(at, 'SSH keys are not taken', 'make a key of age’s own with easy-backup keygen')
  else if (!isAgeRecipient(recipient)) {
    const looks = /^age1[a-z0-9]+$/.test(recipient)
    const wrong = looks
      ? `${shown(recipient)} is mistyped: its checksum is wrong`
      : `${shown(recipient)} is not a public key of age`
    findings.mistake(at, wrong, listHow)
  }
}

function checkGpgRecipient(recipient: string, at: string, examination: Examination): void {
  if (/PRIVATE KEY/.test(recipient)) {
    examination.secrets.add(recipient)
    const wrong = 'this is a private key: whoever reads this file could read every backup'
    examination.findings.mistake(at, wrong, 'write the path of a file with the public key alone')
    return
  }
  const text = readOr(recipient, at, examination, 'export it: gpg --export --armor KEY > public-key.asc')
  if (text === null) return
  if (text.includes('BEGIN PGP PRIVATE KEY') || packetTag(text) === keyTags.PRIVATE) {
    const wrong = `${shorten(recipient)} holds a private key, which belongs on another machine`
    examination.findings.mistake(
      at,
      wrong,
      'export the public one: gpg --export --armor KEY > public-key.asc',
    )
  } else if (!isKeyOfGpg(text, 'PUBLIC'))
    examination.findings.mistake(
      at,
      `${shorten(recipient)} holds no public key of gpg`,
      'export it: gpg --export --armor KEY > public-key.asc',
    )
}

function checkIdentity(
  { type, identity_file: path = '' }: Written,
  at: string,
  examination: Examination,
): void {
  const { findings, secrets } = examination
  const text = readOr(path, at, examination, 'correct the path, or let this user read it')
  if (text === null) return
  for (const line of text.split(/\r?\n/)) if (agePrivateKey.test(line)) secrets.add(line.trim())
  if (type === 'gpg') {
    if (isKeyOfGpg(text, 'PRIVATE')) return
    const instead = 'export it: gpg --export-secret-keys --armor KEY > FILE'
    findings.mistake(at, `${shorten(path)} holds no private key of gpg`, instead)
    return
  }
  const found = readAgeIdentities(text)
  if (found !== null && found.length > 0) return
  const wrong = /^age-encryption\.org\/|BEGIN AGE ENCRYPTED/.test(text)
    ? `${shorten(path)} is encrypted itself`
    : `${shorten(path)} holds no private key of age`
  findings.mistake(
    at,
    wrong,
    'it has lines that begin with AGE-SECRET-KEY-1, as easy-backup keygen writes it',
  )
}

const keyTags = { PRIVATE: 5, PUBLIC: 6 } // RFC 9580, section 5

/** Armoured, or binary: then it begins with the packet of a key. Where its first byte was no text, only gpg itself can tell. */
function isKeyOfGpg(text: string, half: 'PUBLIC' | 'PRIVATE'): boolean {
  if (text.includes(`BEGIN PGP ${half} KEY BLOCK`)) return true
  const tag = packetTag(text)
  return !text.includes('BEGIN PGP') && (tag === keyTags[half] || tag === 'unreadable')
}

/** What an OpenPGP file begins with: RFC 9580, section 4.2, in the new and the old form. */
function packetTag(text: string): number | 'unreadable' | null {
  const first = text.charCodeAt(0) // NaN where there is nothing
  if (first > 0xff) return 'unreadable'
  if (first >= 0xc0) return first & 0x3f
  return first >= 0x80 ? (first >> 2) & 0x0f : null
}

function readOr(
  path: string,
  at: string,
  { findings, readFile }: Examination,
  instead: string,
): string | null {
  try {
    return readFile(path)
  } catch (error) {
    const { code } = error as { code?: string }
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : 'cannot be read'
    findings.mistake(at, `the file ${shorten(path)} ${why}`, instead)
    return null
  }
}

/** The strategy's own wins whole; `none` turns the global one off. */
export function encryptionOf(written: StrategyFile['encryption'], folder: string): Encryption | null {
  if (written === undefined || typeof written === 'string') return null
  const { type, recipients = [], passphrase, identity_file: identity, waive_decrypt_test: waived } = written
  return {
    type,
    recipients: type === 'gpg' ? recipients.map((path) => absolute(folder, path)) : recipients,
    passphrase: passphrase ?? null,
    identityFile: identity === undefined ? null : absolute(folder, identity),
    waiveDecryptTest: waived ?? defaults.encryption.waive_decrypt_test,
  }
}

const shortest = 20 // characters; whoever has the files can try as many guesses as they like

/** Says what is legal and weaker than it looks. */
export function warnOfEncryption(strategies: readonly Strategy[], { root, findings }: Examination): void {
  for (const [value, at] of placesOf(root)) {
    if (!isMapping(value)) continue
    const { passphrase, recipients, identity_file: identity } = value as Written
    if (passphrase !== undefined && passphrase.length < shortest)
      findings.warning(
        child(at, 'passphrase'),
        `a passphrase of ${passphrase.length} characters can be guessed by whoever has the files`,
        `write ${shortest} or more: openssl rand -base64 24`,
      )
    if (recipients !== undefined && identity !== undefined)
      findings.warning(
        child(at, 'identity_file'),
        'with the private key on it, this host and whoever breaks into it can read its own backups',
        'it is what drills need; leave it out to let only others read them',
      )
  }
  strategiesOf(root).forEach(({ pointer, strategy }, index) => {
    const { encryption, drill, name } = strategies[index]!
    if (!encryption || !drill || encryption.recipients.length === 0 || encryption.identityFile !== null)
      return
    findings.warning(
      'drill' in strategy ? child(pointer, 'drill') : '/global/drill',
      `drills of ${name} cannot decrypt its backups, and will be inconclusive`,
      'drills need encryption.identity_file',
    )
  })
}
