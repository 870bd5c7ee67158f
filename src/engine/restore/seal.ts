import { rm } from 'node:fs/promises'
import type { Encryption, EncryptionFacts } from '../../core/encryption.ts'
import type { Filter } from '../../filters/filter.ts'
import type { EngineContext } from '../context.ts'
import { makeRunFolder } from '../folders.ts'
import { decodeFront } from '../pipeline.ts'
import { inTurn } from '../turns.ts'
import { newRunId } from './requests.ts'

/** How an object that no manifest speaks for is encrypted, from its first bytes: age's header names its kinds of key
 * (https://age-encryption.org/v1), OpenPGP's first packet is one for a public key or for a passphrase (RFC 9580, section 5). */
export function sealOf(kind: string, head: Buffer): EncryptionFacts {
  const method = kind === 'age' ? 'age' : 'gpg'
  const bytes = dearmored(head)
  const isPassphrase = method === 'age' ? bytes.includes('-> scrypt') : [0x8c, 0xc3].includes(bytes[0] ?? 0)
  return { method, mode: isPassphrase ? 'passphrase' : 'recipients', keyIds: [] }
}

/** The bytes within lines of Base64 between two dashed ones; anything else is as it was. */
function dearmored(head: Buffer): Buffer {
  const text = head.toString('latin1', 0, 4096)
  if (!text.startsWith('-----BEGIN ')) return head
  const lines = text.split(/\r?\n/).slice(1)
  const blank = lines.indexOf('') // before it there may be headers
  return Buffer.from(lines.slice(blank + 1).join(''), 'base64')
}

/** What an encryption gives out of an object's first bytes before it misses the rest.
 * @throws Fault key-wrong · key-missing · tool-missing */
export function unseal(context: EngineContext, filter: Filter, sealed: Sealed): Promise<Buffer> {
  const open = (): Promise<Buffer> => unsealNow(context, filter, sealed)
  return sealed.keys.passphrase === null ? open() : inTurn(context, { signal: sealed.signal }, open)
}

interface Sealed {
  bytes: Buffer
  keys: Encryption
  signal: AbortSignal
}

async function unsealNow(
  context: EngineContext,
  filter: Filter,
  { bytes, keys, signal }: Sealed,
): Promise<Buffer> {
  const id = newRunId(context)
  const folder = await makeRunFolder(context, id)
  const said = (tool: string, line: string): void => context.log.debug('a tool said', { tool, line })
  const tools = { processes: context.processes, running: { signal, runId: id, said }, folder }
  const chain = [{ filter, options: { level: null, encryption: keys } }]
  try {
    return await decodeFront({ bytes, most: Infinity }, chain, tools)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
