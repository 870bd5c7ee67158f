import { Fault } from '../core/faults.ts'
import type { Spool } from '../sys/spool.ts'
import type { Applied } from './chain.ts'

const headBytes = 64 * 1024 // an age header has about 100 bytes for each recipient

/** That an encryption exited 0 does not show that it wrote anything: the size and the first bytes of what it gave out must be
 * those of its format. It is all that a host can tell which cannot read what it encrypts.
 * @param chain  of an encoding; without an encryption there is nothing to look at
 * @param plainBytes  that the encryption was given; null = nobody counted them
 * @throws Fault tool-failed */
export async function requireSealed(
  chain: readonly Applied[],
  { plainBytes, stored, signal }: { plainBytes: number | null; stored: Spool; signal: AbortSignal },
): Promise<void> {
  const filter = chain.map((applied) => applied.filter).find(({ role }) => role === 'encryption')
  if (!filter) return
  const bytes = await stored.size()
  const head = await stored.read(0, Math.min(bytes, headBytes), signal)
  if (head.length >= 6 && filter.sniff(head.subarray(0, 6)) && filter.canHold?.(plainBytes, { head, bytes }))
    return
  const given = plainBytes === null ? 'a dump' : `${plainBytes} bytes`
  throw new Fault(
    'tool-failed',
    `${filter.kind} made ${bytes} bytes of ${given}, which is no whole ${filter.kind} file, and said that all is well`,
    { hint: `look which ${filter.kind} this host runs, and try it by hand` },
  )
}
