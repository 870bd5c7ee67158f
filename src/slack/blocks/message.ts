import type { MessageBody } from '../../core/messages.ts'
import { batchMessage } from './batch.ts'
import { notice, overdue, runAlarm } from './alarms.ts'
import type { Drawn } from './elements.ts'
import { requestCard } from './request-card.ts'
import { runCard } from './run-card.ts'
import { runProgress } from './run-progress.ts'

export interface MessageStyle {
  /** Ids of who is called by name in what must be heard. */
  mentions: string[]
  /** rich: with Slack's newest blocks, which may be refused. */
  blocks: 'basic' | 'rich'
}

/** How a message looks in Slack. Pure: the same body gives the same blocks. */
export function drawMessage(body: MessageBody, { mentions, blocks }: MessageStyle): Drawn {
  switch (body.type) {
    case 'run.card':
      return runCard(body.run)
    case 'run.progress':
      return runProgress(body.run, blocks)
    case 'run.alarm':
      return runAlarm(body.run, mentions)
    case 'batch':
      return batchMessage(body.batch, blocks)
    case 'request.card':
      return requestCard(body.request)
    case 'overdue':
      return overdue(body, mentions)
    case 'notice':
      return notice(body, mentions)
  }
}
