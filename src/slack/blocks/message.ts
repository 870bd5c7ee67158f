import type { MessageBody } from '../../core/messages.ts'
import { batchMessage } from './batch.ts'
import { isServer, serverMessage } from './server.ts'
import { notice, runAlarm } from './alarms.ts'
import { digestMessage } from './digest.ts'
import type { Drawn } from './elements.ts'
import { incidentHead, incidentNote } from './incident.ts'
import { requestCard } from './request-card.ts'
import { requestGlass, requestPing, requestTold } from './request-notes.ts'
import { runCard } from './run-card.ts'
import { runProgress } from './run-progress.ts'

export interface MessageStyle {
  /** Ids of who is called by name in what must be heard. */
  mentions: string[]
  /** rich: with Slack's newest blocks, which may be refused. */
  blocks: 'basic' | 'rich'
  /** Where the cards of requests are. */
  approvals: string
  /** Where people are called: id of a channel. */
  calledIn?: string
}

/** How a message looks in Slack. Pure: the same body gives the same blocks. */
export function drawMessage(
  body: MessageBody,
  { mentions, blocks, approvals, calledIn }: MessageStyle,
): Drawn {
  switch (body.type) {
    case 'run.card':
      return runCard(body.run)
    case 'run.progress':
      return runProgress(body.run, blocks)
    case 'run.alarm':
      return runAlarm(body.run, mentions, calledIn)
    case 'batch':
      return isServer(body.batch) ? serverMessage(body.batch, blocks) : batchMessage(body.batch, blocks)
    case 'request.card':
      return requestCard(body.request)
    case 'request.ping':
      return requestPing(body.request, body.over)
    case 'request.glass':
      return requestGlass(body.request)
    case 'request.told':
      return requestTold(body.request, approvals)
    case 'incident':
      return incidentHead(body.incident, mentions)
    case 'incident.note':
      return incidentNote(body.incident, body.note, mentions)
    case 'digest':
      return digestMessage(body.digest, blocks)
    case 'notice':
      return notice(body, mentions)
  }
}
