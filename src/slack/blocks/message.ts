import type { MessageBody } from '../../core/messages.ts'
import { notice, overdue, runAlarm } from './alarms.ts'
import type { Drawn } from './elements.ts'
import { requestCard } from './request-card.ts'
import { runCard } from './run-card.ts'
import { runProgress } from './run-progress.ts'

/** How a message looks in Slack. Pure: the same body gives the same blocks.
 * @param mentions who is called by name in what must be heard */
export function drawMessage(body: MessageBody, mentions: string[]): Drawn {
  switch (body.type) {
    case 'run.card':
      return runCard(body.run)
    case 'run.progress':
      return runProgress(body.run)
    case 'run.alarm':
      return runAlarm(body.run, mentions)
    case 'request.card':
      return requestCard(body.request)
    case 'overdue':
      return overdue(body, mentions)
    case 'notice':
      return notice(body, mentions)
  }
}
