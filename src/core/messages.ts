import type { SlackRouting } from './config.ts'
import type { DigestView } from './digest.ts'
import type { IncidentNote, IncidentView } from './incidents.ts'
import type { Actor, AnyRequestView, RunState, RunView, Trigger } from './model.ts'

/** So many backups that begin together in one channel have a thread each; more are told by one message. */
export const mostApart = 8

/** What people should see, as facts. How it looks is the notifier's business. */
export type MessageBody =
  /** The first message of a backup's thread; edited only when the run's state changes. */
  | { type: 'run.card'; run: RunView }
  /** In the thread: progress, edited in place, that becomes the result. */
  | { type: 'run.progress'; run: RunView }
  /** A new reply: what went wrong, what to do, buttons. */
  | {
      type: 'run.alarm'
      run: RunView
      /** It counts in an incident, which calls people; here it is told in its own thread only. */
      quiet?: true
      /** Enough others of its thread fail for the same reason: its line is enough. */
      unsaid?: true
    }
  /** Many scheduled starts in one channel as one message, edited in place. */
  | { type: 'batch'; batch: BatchView }
  /** A plan with the buttons that decide it; becomes its record. */
  | { type: 'request.card'; request: AnyRequestView }
  /** It still waits: who may decide it is called. `over`: nobody is needed any more. */
  | { type: 'request.ping'; request: AnyRequestView; over: boolean }
  /** It was decided on the host, without the second person it needs: to be looked at by an admin. */
  | { type: 'request.glass'; request: AnyRequestView }
  /** To one person directly: what became of what they asked for.
   * @property to  Slack id of the person */
  | { type: 'request.told'; request: AnyRequestView; to: string }
  /** Backups that fail or are missing, as long as they do: the head of one thread, edited as it goes on. */
  | { type: 'incident'; incident: IncidentView }
  /** A new reply below it that is heard; what stood there when it was said. */
  | { type: 'incident.note'; note: IncidentNote; incident: IncidentView }
  /** A summary of a period. */
  | { type: 'digest'; digest: DigestView }
  /** Anything of the whole service that people must know. */
  | { type: 'notice'; title: string; text: string; urgent: boolean }

/** Runs that were started together: each end is told by its line (promise 3). */
export interface BatchView {
  startedAt: number
  timezone: string
  /** Missed while the service was down. */
  catchUp: boolean
  /** Who started them, by one word for all; absent: the schedule. */
  asked?: Actor
  /** In the order they were accepted. */
  lines: BatchLine[]
  /** All of them are databases of one server. */
  server?: { strategy: string; trigger: Trigger; actor: Actor; nextAt: number | null; notes: string[] }
}

export interface BatchLine {
  run: string
  strategy: string
  /** Of a whole server; absent: the list of its databases is still asked for. */
  database?: string
  /** Roles and the like, and no database. */
  globals?: true
  state: RunState
  endedAt: number | null
  tookMs: number | null
  storedBytes: number | null
  backup: string | null
  /** Why it did not succeed, or what of it is not as usual; short. */
  why: string | null
}

/** Which of a strategy's channels a message belongs to. `success` has the threads of runs: how a run ends is not known when its
 * thread begins; what goes wrong is told in `failure` as well. */
export type Audience = 'default' | 'success' | 'failure' | 'approvals' | 'digest'

/** @returns channel id; each audience falls back to the routing's one channel */
export function channelFor(routing: SlackRouting, audience: Audience): string {
  return audience === 'default' ? routing.channel : (routing[audience] ?? routing.channel)
}

/** One row of what is owed: delivery makes the world look like `body` (decision: reconciled, not queued). */
export interface Message {
  /** Stable identity, e.g. `run/<id>/card`; the same key is the same message, edited. */
  key: string
  /** null: the service's own, to the default channel. */
  strategy: string | null
  audience: Audience
  /** Key of the message whose thread this belongs in; it waits until that one landed. */
  parent: string | null
  /** Lower goes first under pressure: 0 answers, 1 failures, 2 ends, 3 starts, 4 progress. */
  priority: number
  version: number
  body: MessageBody
}
