import { resolve } from 'node:path'
import type { Encryption } from '../../core/encryption.ts'
import { Fault } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import type { FilterOptions, FilterTools } from '../filter.ts'
import { always } from './home.ts'

interface AtHome extends FilterTools {
  home: string
}

/** @throws Fault key-missing */
export function keysOf({ encryption }: FilterOptions): Encryption {
  if (encryption) return encryption
  throw new Fault('key-missing', 'it is encrypted with gpg, and there is no key for it', {
    hint: 'set encryption with its identity_file or passphrase',
  })
}

/** Looks at an exported public key before anything is encrypted for it.
 * @returns its fingerprint. @throws Fault key-missing · key-wrong */
export async function readRecipient(recipient: string, at: AtHome): Promise<string> {
  const file = resolve(recipient)
  const { text } = await ask(['--no-autostart', '--with-colons', '--show-keys', file], file, at)
  const records = text.split('\n').map((line) => line.split(':'))
  const keys = records.filter(([type]) => type === 'pub' || type === 'sec')
  const [key] = keys
  if (key?.[0] === 'sec')
    throw new Fault('key-wrong', `${file} holds a private key, which belongs on another machine`, {
      hint: 'export the public one: gpg --export --armor KEY > public-key.asc',
    })
  const why = !key
    ? 'holds no public key of gpg'
    : keys.length > 1
      ? `holds ${keys.length} keys`
      : unusable(key)
  if (why !== null)
    throw new Fault('key-wrong', `${file} ${why}`, {
      hint: 'export one key that can encrypt into each file: gpg --export --armor KEY > public-key.asc',
    })
  return records.find(([type]) => type === 'fpr')![9]!
}

/** Fields of a key, doc/DETAILS of GnuPG: 2 = validity, 12 = capabilities, of which capital letters count for the whole key. */
function unusable([, validity = '', ...rest]: string[]): string | null {
  const capabilities = rest[9] ?? ''
  if (validity === 'e') return 'holds a key that has expired'
  if (validity === 'r') return 'holds a key that was revoked'
  if (!capabilities.includes('E') || capabilities.includes('D')) return 'holds a key that cannot encrypt'
  return null
}

/** Private keys, for as long as the home is there. @throws Fault key-missing · key-wrong */
export async function importIdentity({ identityFile }: Encryption, at: AtHome): Promise<void> {
  if (identityFile === null)
    throw new Fault('key-missing', 'it is encrypted with gpg for recipients whose key is not on this host', {
      hint: 'set encryption.identity_file, or decrypt it where the key is',
    })
  const file = resolve(identityFile)
  const { said } = await ask(['--status-fd', '2', '--import', file], file, at)
  // doc/DETAILS of GnuPG, IMPORT_RES: the tenth number is how many private keys were read
  const found = said.find((line) => line.startsWith('[GNUPG:] IMPORT_RES '))?.split(' ')[11] ?? '0'
  if (found === '0')
    throw new Fault('key-wrong', `${file} holds no private key of gpg`, {
      hint: 'export it: gpg --export-secret-keys --armor KEY > FILE',
    })
}

async function ask(
  request: string[],
  file: string,
  { processes, running, home }: AtHome,
): Promise<{ text: string; said: string[] }> {
  const said: string[] = []
  const listening = { ...running, said: (_tool: string, line: string) => void said.push(line) }
  try {
    const text = await processes.output({ argv: [...always(home), ...request] }, listening)
    return { text, said }
  } catch (error) {
    if (!(error instanceof ToolFailure) || error.exitSignal !== null) throw error
    throw keyFault(file, said, error)
  }
}

function keyFault(file: string, said: string[], cause: ToolFailure): Fault {
  const words = said.filter((line) => line.startsWith('gpg: '))
  const missing = words.find((line) => /No such file|Permission denied/.test(line))
  if (missing !== undefined)
    return new Fault('key-missing', missing.slice('gpg: '.length), {
      hint: 'correct the path, or let this user read it',
      cause,
    })
  const reason = words.at(-1)?.slice('gpg: '.length) ?? cause.message
  return new Fault('key-wrong', `gpg cannot use the key in ${file}: ${reason}`, {
    hint: 'export it again: gpg --export (or --export-secret-keys) --armor KEY > FILE',
    cause,
  })
}
