import { createTimedClient } from './clients.ts'
import type { SlackParts } from './app.ts'
import { createSilence } from './silence.ts'
import type { Silence } from './silence.ts'
import { createSlackTime } from './slack-time.ts'

/** The message about silence with a client of its own. @returns null when `slack.silence` is off */
export function keepSilence(
  parts: Pick<SlackParts, 'silence' | 'connection' | 'routing' | 'clock' | 'log'>,
): Silence | null {
  const { silence, connection, routing, clock, log } = parts
  const { silenceMs: limitMs = 0 } = connection
  if (silence === undefined || limitMs === 0) return null
  const time = createSlackTime(clock)
  const client = createTimedClient(connection, { log, heard: time.heard })
  return createSilence({ ...silence, limitMs, client, time, routing, clock, log })
}
