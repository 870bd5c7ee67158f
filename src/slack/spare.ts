import type { Clock } from '../core/clock.ts'
import type { Socket } from './socket.ts'

type OnState = (trouble: string | null) => void

export interface SpareParts {
  /** Makes a connection that tells its own state. */
  make: (onState: OnState) => Socket
  clock: Clock
  /** Told about both as one: connected while either is. */
  onState: OnState
}

/** Slack grants about one new connection a minute, and recycles each after some hours: the two never at the same time. */
const spareAfterMs = 60_000

/** Two connections: Slack sends each thing to one of them, and while one is renewed no click gets lost. */
export function createSpare({ make, clock, onState }: SpareParts): Socket {
  const stopping = new AbortController()
  const troubles: (string | null)[] = ['not connected yet', 'not connected yet']
  const sockets = troubles.map((_, index) =>
    make((trouble) => {
      troubles[index] = trouble
      onState(troubles.includes(null) ? null : troubles[0]!)
    }),
  ) as [Socket, Socket]
  let later: Promise<void> = Promise.resolve()

  return {
    start() {
      later = clock.sleep(spareAfterMs, stopping.signal).then(
        () => sockets[1].start(),
        () => undefined,
      )
      return sockets[0].start()
    },
    async stop() {
      stopping.abort()
      await later
      await Promise.all(sockets.map((socket) => socket.stop()))
    },
  }
}
