import type { Receiver } from '@slack/bolt'
import type { Clock } from '../core/clock.ts'
import type { SlackConnection } from '../core/config.ts'
import type { Log } from '../core/log.ts'
import { appTokenAdvice, portAdvice } from './advice.ts'
import { createHttpReceiver } from './http.ts'
import { createListener } from './listener.ts'
import { createSocket, createSocketReceiver } from './socket.ts'
import { createSpare } from './spare.ts'

/** How Slack reaches us. */
export interface Listening {
  start(): Promise<void>
  stop(): Promise<void>
  url?(): string | null
}

export function modeOf({ appToken, http }: SlackConnection): 'socket' | 'http' | 'send-only' {
  if (appToken !== null) return 'socket'
  return http === undefined ? 'send-only' : 'http'
}

/** What to do when Slack does not reach us. */
export function connectAdvice(connection: SlackConnection): string {
  return modeOf(connection) === 'http' ? portAdvice : appTokenAdvice
}

/** @returns null when there is neither an app token nor a signing secret */
export function wayOf(
  connection: SlackConnection,
  { clock, log, onState }: { clock: Clock; log: Log; onState: (trouble: string | null) => void },
): { receiver: Receiver; listening: Listening } | null {
  const { appToken, http } = connection
  if (appToken !== null) {
    const receivers = [1, 2].map(() => createSocketReceiver({ ...connection, appToken }, log))
    const free = [...receivers]
    const make = (told: typeof onState): Listening =>
      createSocket({ receiver: free.shift()!, clock, log, onState: told })
    return { receiver: both(receivers), listening: createSpare({ make, clock, onState }) }
  }
  if (http === undefined) return null
  const receiver = createHttpReceiver({ signingSecret: http.signingSecret, clock, log })
  return { receiver, listening: createListener({ receiver, listen: http.listen, clock, onState }) }
}

/** Several ways in, one app behind them. */
function both(receivers: Receiver[]): Receiver {
  return {
    init: (app) => receivers.forEach((receiver) => receiver.init(app)),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  }
}
