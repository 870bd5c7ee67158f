import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** How a server of SSH proves to be the one it should be. One of them has to be given: an unknown key is never trusted. */
export interface HostKeyRule {
  /** As `ssh-keygen -lf` prints it: `SHA256:` and 43 characters of base64. Of several each will do. */
  fingerprint?: string | readonly string[] | undefined
  /** A file as `ssh` keeps it, hashed names included. */
  knownHosts?: string | undefined
}

/** How a fingerprint is written in a configuration. */
export const fingerprintForm = {
  pattern: '^SHA256:[A-Za-z0-9+/]{43}=?$',
  expected: 'a fingerprint (SHA256:…)',
  instead: 'write SHA256: and the 43 characters behind it, as ssh-keygen -lf prints them',
}
export const fingerprintExample = 'SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDYzNgXYKDuMgtKqNc'

/** What a rule says of a key. */
export type HostKeyVerdict = { trusted: true } | { trusted: false; why: string; hint: string }

/** A rule with its file read. */
export interface HostKeyCheck {
  /** Kinds of key that are known of this host, so that the server is asked for one of them; null = any. */
  kinds: string[] | null
  /** @param key as the server sent it (RFC 4253, 6.6) */
  judge(key: Buffer): HostKeyVerdict
}

/** @throws what reading the file throws */
export async function hostKeyCheck(
  rule: HostKeyRule,
  { host, port }: { host: string; port: number },
): Promise<HostKeyCheck> {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
  if (rule.knownHosts === undefined) return byFingerprint([rule.fingerprint ?? []].flat(), name)
  const known = knownKeys(await readFile(rule.knownHosts, 'utf8'), name)
  return byKnownHosts(known, { name, file: rule.knownHosts })
}

export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function byFingerprint(wanted: readonly string[], name: string): HostKeyCheck {
  return {
    kinds: null,
    judge(key) {
      const shown = fingerprintOf(key)
      if (wanted.some((one) => one.replace(/=+$/, '') === shown)) return { trusted: true }
      return {
        trusted: false,
        why: `the host key of ${name} is not the one of fingerprint: the server shows ${shown} (${kindOf(key)})`,
        hint: `somebody may be listening in between, or it has a new key: only when ssh-keygen -lf on the server itself prints the same, write fingerprint: ${shown}`,
      }
    },
  }
}

function byKnownHosts(known: KnownKey[], { name, file }: { name: string; file: string }): HostKeyCheck {
  const trusted = known.filter(({ revoked }) => !revoked)
  return {
    kinds: trusted.length === 0 ? null : [...new Set(trusted.map(({ key }) => kindOf(key)))],
    judge(key) {
      const shown = `${fingerprintOf(key)} (${kindOf(key)})`
      if (known.some((line) => line.revoked && line.key.equals(key)))
        return refused(`the host key ${shown} of ${name} is revoked in ${file}`, 'the server needs a new key')
      if (trusted.some((line) => line.key.equals(key))) return { trusted: true }
      if (trusted.length > 0)
        return refused(
          `the host key of ${name} has changed: it is not the one in ${file}, the server shows ${shown}`,
          `somebody may be listening; when the server really has a new key: ssh-keygen -R '${name}' -f ${file}, then add the new one`,
        )
      return refused(
        `the host key of ${name} is not in ${file}: the server shows ${shown}`,
        `compare with ssh-keygen -lf on the server; when it is right, add to ${file}: ${name} ${kindOf(key)} ${key.toString('base64')}`,
      )
    },
  }
}

function refused(why: string, hint: string): HostKeyVerdict {
  return { trusted: false, why, hint }
}

/** Name of the kind of key, which a key begins with. */
function kindOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0
  return key.subarray(4, 4 + Math.min(length, 64)).toString('latin1')
}

interface KnownKey {
  key: Buffer
  revoked: boolean
}

/** Keys of one host in the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Lines of certificate authorities are passed over:
 * certificates of hosts are not understood here. */
export function knownKeys(text: string, name: string): KnownKey[] {
  const keys: KnownKey[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const words = line.trim().split(/\s+/)
    const marker = words[0]!.startsWith('@') ? words.shift() : null
    const [hosts, , base64] = words
    if (marker === '@cert-authority' || hosts === undefined || base64 === undefined) continue
    if (isNamed(hosts, name))
      keys.push({ key: Buffer.from(base64, 'base64'), revoked: marker === '@revoked' })
  }
  return keys
}

function isNamed(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) return isHashOf(hosts, name)
  const patterns = hosts.toLowerCase().split(',')
  const refuses = patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), name))
  return !refuses && patterns.some((pattern) => fits(pattern, name))
}

/** `|1|salt|HMAC-SHA1 of the name`. */
function isHashOf(hashed: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hashed.split('|')
  const wanted = Buffer.from(hash, 'base64')
  const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  return wanted.length === found.length && timingSafeEqual(wanted, found)
}

function fits(pattern: string, name: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(name)
}
