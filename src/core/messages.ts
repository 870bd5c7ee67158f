import type { AnyRequestView, RunView } from './model.ts'

/** What people should see, as facts. How it looks is the notifier's business. */
export type MessageBody =
  /** The first message of a backup's thread; edited only when the run's state changes. */
  | { type: 'run.card'; run: RunView }
  /** In the thread: progress, edited in place, that becomes the result. */
  | { type: 'run.progress'; run: RunView }
  /** A new reply that is heard: mention, what to do, buttons. */
  | { type: 'run.alarm'; run: RunView }
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

/** Which of a strategy's channels a message belongs to. `success` has the threads of runs: how a run ends is not known when its
 * thread begins; what goes wrong is told in `failure` as well. */
export type Audience = 'default' | 'success' | 'failure' | 'approvals'

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
