import type { SlackRouting } from './config.ts'
import type { AnyRequestView, RunState, RunView } from './model.ts'

/** What people should see, as facts. How it looks is the notifier's business. */
export type MessageBody =
  /** The first message of a backup's thread; edited only when the run's state changes. */
  | { type: 'run.card'; run: RunView }
  /** In the thread: progress, edited in place, that becomes the result. */
  | { type: 'run.progress'; run: RunView }
  /** A new reply that is heard: mention, what to do, buttons. */
  | {
      type: 'run.alarm'
      run: RunView
      /** One of many failures at once: it is told in its thread, without calling anybody. */
      quiet?: true
    }
  /** Many scheduled starts in one channel as one message, edited in place. */
  | { type: 'batch'; batch: BatchView }
  /** A plan with the buttons that decide it; becomes its record. */
  | { type: 'request.card'; request: AnyRequestView }
  /** A series has no new backup although it should have one. */
  | {
      type: 'overdue'
      strategy: string
      series: string
      sinceAt: number
      lastGoodAt: number | null
      expected: string
      over: boolean
    }
  /** Anything of the whole service that people must know. */
  | { type: 'notice'; title: string; text: string; urgent: boolean }

/** Runs that were started together: each end is told by its line (promise 3). */
export interface BatchView {
  startedAt: number
  timezone: string
  /** Missed while the service was down. */
  catchUp: boolean
  /** In the order they were accepted. */
  lines: BatchLine[]
}

export interface BatchLine {
  run: string
  strategy: string
  state: RunState
  endedAt: number | null
  tookMs: number | null
  storedBytes: number | null
  backup: string | null
  /** Why it did not succeed; short. */
  why: string | null
}

/** Which of a strategy's channels a message belongs to. `success` has the threads of runs: how a run ends is not known when its
 * thread begins; what goes wrong is told in `failure` as well. */
export type Audience = 'default' | 'success' | 'failure' | 'approvals'

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
