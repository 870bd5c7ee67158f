import { resolve } from 'node:path'
import { Type } from 'typebox'
import { Fault } from '../../core/faults.ts'
import type { Command } from '../../sys/process.ts'
import type { Filter, FilterOptions } from '../filter.ts'
import { hear } from './hear.ts'
import { always, openHome } from './home.ts'
import { importIdentity, keysOf, readRecipient } from './keys.ts'

/** OpenPGP (RFC 9580) by the `gpg` program: AES-256, and whatever was changed on the way is noticed at the end (MDC or AEAD).
 * It works in a home of its own, which holds no key but those of the strategy, and is gone afterwards. */
export const gpg: Filter = {
  kind: 'gpg',
  role: 'encryption',
  extension: '.gpg',
  options: Type.Object({}, { additionalProperties: false }),
  program(direction, has, options) {
    if (!has('gpg')) return null
    return direction === 'encode' ? encoding(options) : decoding(options)
  },
  // RFC 9580, section 4.2: packets of an encrypted session key (tags 1 and 3) in the old and new form, then their version
  sniff: ([tag = 0, second, third, fourth]) =>
    (tag === 0x84 && third === 3) ||
    (tag === 0x85 && fourth === 3) ||
    (tag === 0x8c && third === 4) ||
    (tag === 0xc1 && ((second! < 192 && third === 3) || (second! >= 192 && fourth === 3))) ||
    (tag === 0xc3 && (third === 4 || third === 5 || third === 6)),
  canHold: (plainBytes, { bytes }) => bytes >= (plainBytes ?? 0) + leastAround,
  hear,
  stockDecode: () => 'gpg --decrypt',
  keys: {
    async prepare(direction, options, tools) {
      const keys = keysOf(options)
      const home = await openHome(tools)
      try {
        if (direction === 'encode')
          for (const recipient of keys.recipients)
            await readRecipient(recipient, { ...tools, home: home.path })
        else if (keys.passphrase === null) await importIdentity(keys, { ...tools, home: home.path })
        return { options: { ...options, home: home.path }, close: home.close }
      } catch (error) {
        await home.close()
        throw error
      }
    },
    async facts(options, tools) {
      const { recipients, passphrase } = keysOf(options)
      const home = await openHome(tools)
      try {
        const keyIds: string[] = []
        for (const recipient of recipients)
          keyIds.push(await readRecipient(recipient, { ...tools, home: home.path }))
        return { method: 'gpg', mode: passphrase === null ? 'recipients' : 'passphrase', keyIds }
      } finally {
        await home.close()
      }
    },
  },
}

/** Bytes, RFC 9580: a packet with a session key 15, the header of the encrypted one 3, its prefix 18, the header of what is inside 8,
 * its digest 22. */
const leastAround = 66

/** The most rounds that the format can say (RFC 9580, section 3.7.1.3). Without a number gpg starts an agent to measure one. */
const rounds = '65011712'
const passphraseFrom3 = ['--pinentry-mode', 'loopback', '--passphrase-fd', '3']

/** The dump is compressed already, and whoever compresses what others can choose gives hints of it away: -z 0. */
function encoding(options: FilterOptions): Command {
  const { recipients, passphrase } = keysOf(options)
  const how = [
    ...always(homeOf(options)),
    '--no-autostart',
    '--status-fd',
    '2',
    '--cipher-algo',
    'AES256',
    '-z',
    '0',
  ]
  if (passphrase === null) {
    const files = recipients.flatMap((recipient) => ['--recipient-file', resolve(recipient)])
    return { argv: [...how, '--trust-model', 'always', ...files, '--encrypt'] }
  }
  const s2k = ['--s2k-mode', '3', '--s2k-digest-algo', 'SHA512', '--s2k-count', rounds]
  return { argv: [...how, ...passphraseFrom3, ...s2k, '--symmetric'], secrets: [passphrase] }
}

function decoding(options: FilterOptions): Command {
  const { passphrase } = keysOf(options)
  const how = [...always(homeOf(options)), '--status-fd', '2']
  if (passphrase === null) return { argv: [...how, '--pinentry-mode', 'loopback', '--decrypt'] }
  return { argv: [...how, '--no-autostart', ...passphraseFrom3, '--decrypt'], secrets: [passphrase] }
}

function homeOf({ home }: FilterOptions): string {
  if (home !== undefined) return home
  throw new Fault('internal', 'gpg was not prepared')
}
