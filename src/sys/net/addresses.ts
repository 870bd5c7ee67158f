import { BlockList, isIP } from 'node:net'
import { Fault } from '../../core/faults.ts'

/** IANA special-purpose registries (RFC 6890, RFC 8190): nothing in them is a host of the public network. */
const notPublic4 = [
  ['0.0.0.0', 8, 'an address of this host'],
  ['10.0.0.0', 8, 'a private address'],
  ['100.64.0.0', 10, 'an address inside a provider (CGNAT)'],
  ['127.0.0.0', 8, 'an address of this host'],
  ['169.254.0.0', 16, 'a link-local address, where clouds keep credentials'],
  ['172.16.0.0', 12, 'a private address'],
  ['192.0.0.0', 24, 'a reserved address'],
  ['192.0.2.0', 24, 'a reserved address'],
  ['192.88.99.0', 24, 'a reserved address'],
  ['192.168.0.0', 16, 'a private address'],
  ['198.18.0.0', 15, 'a reserved address'],
  ['198.51.100.0', 24, 'a reserved address'],
  ['203.0.113.0', 24, 'a reserved address'],
  ['224.0.0.0', 4, 'a multicast address'],
  ['240.0.0.0', 4, 'a reserved address'],
] as const

/** Of IPv6 only 2000::/3 is given out; what hides an IPv4 address in it (6to4, Teredo) is not a host either. */
const notPublic6 = [
  ['::', 128, 'an address of this host'],
  ['::1', 128, 'an address of this host'],
  ['::ffff:0:0', 96, 'an IPv4 address in disguise'],
  ['64:ff9b::', 96, 'an IPv4 address in disguise (NAT64)'],
  ['64:ff9b:1::', 48, 'an IPv4 address in disguise (NAT64)'],
  ['2001::', 23, 'a reserved address'],
  ['2001:db8::', 32, 'a reserved address'],
  ['2002::', 16, 'an IPv4 address in disguise (6to4)'],
  ['3fff::', 20, 'a reserved address'],
  ['fc00::', 7, 'a private address (ULA)'],
  ['fe80::', 10, 'a link-local address'],
  ['ff00::', 8, 'a multicast address'],
] as const

const lists4 = notPublic4.map(([net, bits, means]) => ({ list: listOf(net, bits, 'ipv4'), means }))
const lists6 = notPublic6.map(([net, bits, means]) => ({ list: listOf(net, bits, 'ipv6'), means }))
const givenOut = listOf('2000::', 3, 'ipv6')

/** What is wrong with connecting to this address; null = it is a host of the public network.
 * @param address  as a socket or a resolver spells it */
export function judgeAddress(address: string): string | null {
  const bare = address.split('%', 1)[0]! // fe80::1%eth0
  const family = isIP(bare)
  if (family === 0) return 'not an address'
  if (family === 4) return lists4.find(({ list }) => list.check(bare, 'ipv4'))?.means ?? null
  const found = lists6.find(({ list }) => list.check(bare, 'ipv6'))
  if (found) return found.means
  return givenOut.check(bare, 'ipv6') ? null : 'a reserved address'
}

/** Reads the address of a request, and judges all of it that needs no resolver. Decimal, octal and hexadecimal spellings of an
 * IPv4 address are what they stand for.
 * @throws Fault notifier-refused */
export function judgeUrl(written: string, allowPrivate: boolean): URL {
  const url = URL.canParse(written) ? new URL(written) : null
  if (url === null || !['https:', 'http:'].includes(url.protocol))
    throw new Fault('notifier-refused', 'it is not a web address', {
      hint: 'write one that begins with https://',
    })
  if (url.protocol === 'http:' && !allowPrivate)
    throw new Fault('notifier-refused', 'http is not encrypted', {
      hint: 'write https://, or allow_private: true for a host of your own network',
    })
  if (url.username !== '' || url.password !== '')
    throw new Fault('notifier-refused', 'there is a user or password in the address', {
      hint: 'write them as a header: Authorization',
    })
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0) refuseUnlessPublic(literal, { host: literal, allowPrivate })
  return url
}

/** @throws Fault notifier-refused */
export function refuseUnlessPublic(
  address: string,
  { host, allowPrivate }: { host: string; allowPrivate: boolean },
): void {
  const wrong = allowPrivate ? null : judgeAddress(address)
  if (wrong === null) return
  const what = host === address ? `${address} is ${wrong}` : `${host} is ${address}, ${wrong}`
  throw new Fault('notifier-refused', what, {
    hint: 'only public hosts are called; write allow_private: true when this one is meant',
  })
}

function listOf(net: string, bits: number, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  list.addSubnet(net, bits, family)
  return list
}
