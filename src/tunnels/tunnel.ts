import type { TSchema } from 'typebox'
import type { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Fault } from '../core/faults.ts'
import type { Host } from '../core/tunnel.ts'

/** A way to servers that do not answer from here. One file (or folder) plus one word in `registry.ts`. */
export interface TunnelDriver {
  /** The key in `tunnel: { … }`. */
  kind: string
  /** JSON Schema of what stands behind that key. Text stands for `{ address: text }`. Paths in it (`folder: true`) become absolute. */
  options: TSchema
  /** What the schema alone cannot tell of the options as `open` gets them.
   * @returns words for a mistake, and the key it is at; null = none */
  judge(options: Record<string, unknown>): { mistake: string; hint: string; at?: readonly string[] } | null
  /** Costs nothing: connects only when a method is called. */
  open(options: Record<string, unknown>, context: TunnelContext): Tunnel
}

/** What a tunnel may use of the outside world. */
export interface TunnelContext {
  clock: Clock
  /** The socket of this account's SSH agent; null = there is none. */
  agentSocket: string | null
  /** An open tunnel broke, and every stream through it with it. The next `connect` opens it anew. */
  broken(fault: Fault): void
}

export interface Tunnel {
  /** For people: `the SSH server bastion:22`. */
  readonly name: string

  /** Opens it where that takes more than a connection for each stream, so that its own faults come before anybody waits for a stream.
   * @throws Fault tunnel-unreachable · tunnel-refused · the signal's reason */
  ready(signal: AbortSignal): Promise<void>

  /** A stream to a server as the far end of the tunnel knows it; names are looked up there. It may be paused: pipe it, or `resume` it.
   * @throws Fault as `ready` · database-unreachable when the far end does not reach it */
  connect(host: Host, signal: AbortSignal): Promise<Duplex>

  /** For doctor: every hop by itself, in the order they are passed, up to the first that fails. */
  check(signal: AbortSignal): Promise<HopLine[]>

  /** Ends it with every stream. Never throws. */
  close(): Promise<void>
}

export interface HopLine {
  ok: boolean
  text: string
  hint: string | null
}
