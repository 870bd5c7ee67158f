import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newAgeIdentity } from '../../src/core/age-keys.ts'
import type { Encryption } from '../../src/core/encryption.ts'

/** An encryption with keys of its own: what the host needs, and what nobody but a test can show. */
export interface TestKeys {
  encryption: Encryption
  /** Text that must be nowhere but in the key's own file. */
  secrets: string[]
}

const none = { recipients: [], passphrase: null, identityFile: null, waiveDecryptTest: true }

export function agePassphrase(passphrase = 'pässword of canary-71f3'): TestKeys {
  return { encryption: { ...none, type: 'age', passphrase }, secrets: [passphrase] }
}

export function gpgPassphrase(passphrase = 'pässword of canary-82a4'): TestKeys {
  return { encryption: { ...none, type: 'gpg', passphrase }, secrets: [passphrase] }
}

/** @param isReader  this host has the private key */
export function ageRecipients(folder: string, isReader = true): TestKeys {
  const [own, other] = [newAgeIdentity(), newAgeIdentity()]
  const file = join(folder, `age-${own.recipient.slice(-6)}.key`)
  writeFileSync(file, `# a key for tests\n${own.secret}\n`, { mode: 0o600 })
  const recipients = [other.recipient, own.recipient]
  return {
    encryption: { ...none, type: 'age', recipients, identityFile: isReader ? file : null },
    secrets: [own.secret],
  }
}

/** Makes a key pair of gpg in a home that is thrown away. */
export function gpgRecipients(folder: string, { isReader = true, protectedBy = '' } = {}): TestKeys {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'))
  const gpg = (...args: string[]): string =>
    execFileSync(
      'gpg',
      ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', protectedBy, ...args],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )
  try {
    gpg('--quick-gen-key', 'backup@example.org', 'future-default', 'default', 'never')
    const name = join(folder, home.slice(-6))
    writeFileSync(`${name}.asc`, gpg('--armor', '--export'))
    writeFileSync(`${name}.key`, gpg('--armor', '--export-secret-keys'), { mode: 0o600 })
    const secret = readFileSync(`${name}.key`, 'utf8').split('\n')[3]!
    return {
      encryption: {
        ...none,
        type: 'gpg',
        recipients: [`${name}.asc`],
        identityFile: isReader ? `${name}.key` : null,
      },
      secrets: [secret],
    }
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'])
    rmSync(home, { recursive: true, force: true })
  }
}
