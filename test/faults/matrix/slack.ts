import type { Row } from './row.ts'

const announcer = 'slack/announcer.test.ts'
const connection = 'slack/connection.test.ts'
const app = 'slack/app.test.ts'
const http = 'slack/http.test.ts'
const access = 'slack/access.test.ts'
const signatures = 'fuzz/signatures.test.ts'
const requests = 'engine/restore-requests.test.ts'
const approvals = 'engine/approvals.test.ts'

export const slackFaults: readonly Row[] = [
  {
    fault: 'envelopes twice and late',
    by: [
      [app, 'a duplicate envelope is acted on once'],
      [connection, 'commands that arrive late and out of order are all answered, each once'],
      [app, 'an envelope that comes again after a restart is acted on once'],
    ],
    torture: ['envelopes come twice or late'],
  },
  {
    fault: 'the socket drops before and after the acknowledgement',
    by: [
      [connection, 'a socket that drops while a command is under way loses no answer'],
      [connection, 'a socket that drops right after the acknowledgement loses no answer'],
      [
        connection,
        'what Slack delivers again, because the acknowledgement was lost with its socket, is done once',
      ],
      [connection, 'while one connection is renewed the other takes the clicks'],
      [connection, 'after a dropped or refreshed socket commands are answered again'],
    ],
    torture: ['the socket is cut or refreshed'],
  },
  {
    fault: '429 for minutes, also on the last message',
    by: [
      [
        'slack/away.test.ts',
        '429 for ten minutes, also on the last message: the end is told once, and nothing is asked in between',
      ],
      [announcer, 'a 429 stops that method for as long as Slack says, and nothing else'],
      [announcer, 'a 429 on an edit is told with its time and the receipt is kept'],
      ['engine/deliver.test.ts', 'a fraction of a millisecond to wait stops no delivery'],
    ],
    torture: ['Slack answers badly'],
  },
  {
    fault: 'a post that timed out and arrived',
    by: [
      [announcer, 'a post that was done but not answered is unknown; an edit may simply be repeated'],
      [announcer, 'while Slack does not answer, in whatever way, nothing more is posted into the void'],
      ['engine/deliver.test.ts', 'a post whose outcome is unknown is made once more, not twice'],
    ],
  },
  {
    fault: 'Slack is away for six hours',
    by: [
      [
        'slack/away.test.ts',
        'six hours without Slack: backups go on, then every end is told exactly once, failures first, within the limits',
      ],
      ['engine/deliver.test.ts', 'an outage of six hours ends in one post of the newest'],
      [connection, 'Slack being away stops neither the start nor the process'],
    ],
    torture: ['Slack is away'],
  },
  {
    fault: 'channel archived, token revoked, scope missing',
    by: [
      [announcer, 'an archived channel, a revoked token or a missing scope loses nothing: it is tried again'],
      [connection, 'an invalid token leaves the service degraded, and says so once'],
    ],
  },
  {
    fault: 'a message was deleted',
    by: [
      [announcer, 'a deleted message is gone, and can be posted again'],
      ['engine/deliver.test.ts', 'what somebody deleted is posted again'],
    ],
  },
  {
    fault: 'stale, double and foreign clicks',
    by: [
      [requests, 'of twenty clicks at once exactly one starts a restore; the others are told why not'],
      [requests, 'another person is refused, and the request still waits'],
      [requests, 'a card that is out of date is refused'],
      [
        approvals,
        'a second click is told by whom and when it was approved, and the refusal is in the audit log',
      ],
      [approvals, 'one who was a lead when it was asked'],
      [
        'e2e/approvals.test.ts',
        'three people and one protected database, with the bot killed between each two steps',
      ],
      ['engine/clicks.test.ts', 'clicks on one card at once, doubled and reordered: one winner each'],
      [app, 'a refused or late click gets its reason in private, and the card stays as it is'],
      [access, 'who is in the group may, until the moment they are taken out'],
      [access, 'a group that Slack does not tell is a no that says so'],
    ],
  },
  {
    fault: 'unsigned, old, future-dated and replayed HTTP requests',
    by: [
      [http, 'what is not signed by Slack is refused, and has no effect'],
      [http, 'a signed request from more than five minutes ago, or from the future, is refused'],
      [http, 'a request that is replayed is answered as before, and done once'],
      [http, 'the same command, sent and signed again later, is done once'],
      [signatures, 'of forged, altered, old and repeated requests of Slack none is acted on (5 %)'],
    ],
  },
]
