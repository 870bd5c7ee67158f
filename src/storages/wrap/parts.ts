import type { Spool } from '../../sys/spool.ts'
import { nextPartBytes, partsAtOnce } from './part-size.ts'

export interface Part {
  /** 1 for the first. */
  number: number
  /** Free again once it is sent. */
  body: Buffer
  signal: AbortSignal
}

export interface Sending {
  spool: Spool
  /** Bytes that were read already: the first part. Its memory is used again. */
  first: Buffer
  partBytes: number
  maxParts: number
  signal: AbortSignal
  onSent?: ((sentBytes: number) => void) | undefined
  /** Called in order: what it does before it waits is done in order, too. */
  send(part: Part): Promise<void>
}

/** Reads the spool once, in order; parts are sent beside that, a failure of any ends all. @returns how many parts there are */
export async function sendInParts(sending: Sending): Promise<number> {
  const { spool, partBytes, maxParts } = sending
  const failed = new AbortController()
  const signal = AbortSignal.any([sending.signal, failed.signal])
  const flying = new Set<Promise<void>>()
  const empty: Buffer[] = []
  let sent = 0
  let offset = 0
  let number = 0

  function launch(body: Buffer, room: Buffer | null): void {
    offset += body.length
    const flight = sending.send({ number: ++number, body, signal }).then(
      () => {
        if (room) empty.push(room)
        sending.onSent?.((sent += body.length))
      },
      (error: unknown) => failed.abort(error),
    )
    flying.add(flight)
    void flight.then(() => flying.delete(flight))
  }

  try {
    let body = sending.first
    let room: Buffer | null = sending.first
    while (body.length > 0) {
      launch(body, room)
      const state = { number: number + 1, offset, size: await spool.size(), ended: spool.ended() }
      const bytes = nextPartBytes(state, partBytes, maxParts)
      while (flying.size >= partsAtOnce(bytes)) await Promise.race(flying)
      const used = empty.pop()
      room = used?.length === bytes ? used : Buffer.allocUnsafeSlow(bytes) // new ones each time would make V8 collect all of its heap
      body = await spool.read(offset, room, signal)
    }
  } catch (error) {
    failed.abort(error)
    throw failed.signal.reason // the first of them
  } finally {
    await Promise.all(flying)
  }
  signal.throwIfAborted()
  return number
}
