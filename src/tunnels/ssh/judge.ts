import type { TunnelDriver } from '../tunnel.ts'
import type { HopOptions, SshOptions } from './options.ts'

type Mistake = ReturnType<TunnelDriver['judge']>

/** Every hop logs in somehow, and shows a key that is known. */
export function judgeSsh(options: Record<string, unknown>): Mistake {
  const { jump, ...last } = options as SshOptions
  const mistakes = [judgeHop(last, []), ...jumpsOf(jump).map(([hop, at]) => judgeHop(hop, at))]
  return mistakes.find((mistake) => mistake !== null) ?? null
}

function jumpsOf(jump: SshOptions['jump']): [hop: HopOptions, at: readonly string[]][] {
  if (jump === undefined) return []
  return Array.isArray(jump) ? jump.map((hop, index) => [hop, ['jump', String(index)]]) : [[jump, ['jump']]]
}

function judgeHop(hop: HopOptions, at: readonly string[]): Mistake {
  const { host, port = 22, agent, passphrase, fingerprint } = hop
  if (/[\s/@]/.test(host))
    return { mistake: 'it is not a host', hint: 'write a name or an address; user and port have keys of their own', at: [...at, 'host'] } // prettier-ignore
  for (const key of ['private_key_file', 'known_hosts', 'agent'] as const)
    if (String(hop[key]).startsWith('~'))
      return { mistake: '~ stands for nothing here', hint: 'write the whole path', at: [...at, key] }
  if (hop.private_key_file === undefined && hop.password === undefined && !agent)
    return { mistake: `nothing says how to log in at ${host}`, hint: 'write private_key_file, password or agent', at } // prettier-ignore
  if (passphrase !== undefined && hop.private_key_file === undefined)
    return { mistake: 'there is no private key that it opens', hint: 'write private_key_file, or password in its place', at: [...at, 'passphrase'] } // prettier-ignore
  const scan = `ssh-keyscan -p ${port} ${host} | ssh-keygen -lf -`
  if (fingerprint === undefined && hop.known_hosts === undefined)
    return { mistake: `nothing says which host key ${host} has: anybody could answer in its place`, hint: `write fingerprint: SHA256:… (${scan}, compared with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on ${host}), or known_hosts`, at } // prettier-ignore
  if (fingerprint !== undefined && hop.known_hosts !== undefined)
    return { mistake: 'the host key is given twice', hint: 'keep fingerprint or known_hosts', at: [...at, 'known_hosts'] } // prettier-ignore
  return null
}
