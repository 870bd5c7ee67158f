import assert from 'node:assert/strict'
import type { Message } from '../../src/core/messages.ts'
import type { Delivery, Notifier } from '../../src/notifiers/notifier.ts'

/** One thing that people see: a post and what it was edited to. */
export interface Post {
  receipt: string
  key: string
  parent: string | null
  /** What it showed, version after version. */
  shown: Message[]
}

export interface RecordingNotifier extends Notifier {
  readonly posts: Post[]
  /** Every call, also those that failed. */
  readonly calls: { key: string; version: number; edit: boolean; outcome: Delivery['outcome'] }[]
  /** Answers instead of the notifier; null = it works. An answer of `unknown` with `arrived` posts all the same. */
  trouble: ((message: Message) => (Partial<Delivery> & { arrived?: boolean }) | null) | null
  /** What people see of a key now; several when it was posted more than once. */
  seen(key: string): Message[]
  /** Somebody deletes a post. */
  remove(key: string): void
}

/** A place where people read, strict about the contract: receipts are its own, versions only grow, parents were posted before. */
export function recordingNotifier(
  options: { kind?: string; wants?: (message: Message) => boolean } = {},
): RecordingNotifier {
  const posts: Post[] = []
  const calls: RecordingNotifier['calls'] = []
  const wants = options.wants ?? (() => true)
  const kind = options.kind ?? 'recording'

  const postOf = (receipt: unknown): Post | undefined => posts.find((post) => post.receipt === receipt)

  function show(message: Message, receipt: unknown, parent: unknown): string | null {
    if (receipt !== null) {
      const post = postOf(receipt)
      if (!post) return null
      assert.equal(post.key, message.key, 'a receipt belongs to its key')
      post.shown.push(message)
      return post.receipt
    }
    if (parent !== null) assert.ok(postOf(parent), 'a parent was posted before')
    const post: Post = {
      receipt: `${kind}-${posts.length + 1}`,
      key: message.key,
      parent: parent as string | null,
      shown: [message],
    }
    posts.push(post)
    return post.receipt
  }

  const notifier: RecordingNotifier = {
    kind,
    wants,
    posts,
    calls,
    trouble: null,
    async deliver(message, receipt, parent, signal) {
      assert.ok(wants(message), 'only what it wants is delivered')
      assert.ok(receipt === null || typeof receipt === 'string', 'a receipt is what it returned, or null')
      const before = calls.findLast((call) => call.key === message.key)
      assert.ok(!before || before.version <= message.version, 'versions only grow')
      const note = (outcome: Delivery['outcome']): void =>
        void calls.push({ key: message.key, version: message.version, edit: receipt !== null, outcome })
      const answer = (delivery: Delivery): Delivery => (note(delivery.outcome), delivery)
      if (signal.aborted) return answer({ outcome: 'later', receipt, retryAfterMs: null, detail: 'stopped' })
      const { arrived = false, ...bad } = notifier.trouble?.(message) ?? {}
      if (bad.outcome && bad.outcome !== 'sent') {
        if (arrived) show(message, receipt, parent)
        return answer({ outcome: bad.outcome, receipt, retryAfterMs: null, detail: 'in trouble', ...bad })
      }
      const shown = show(message, receipt, parent)
      return shown === null
        ? answer({ outcome: 'gone', receipt: null, retryAfterMs: null, detail: 'deleted' })
        : answer({ outcome: 'sent', receipt: shown, retryAfterMs: null, detail: null })
    },
    check: async () => ({ ok: true, text: 'listens' }),
    seen: (key) => posts.filter((post) => post.key === key).map((post) => post.shown.at(-1)!),
    remove: (key) => {
      for (let index = posts.length - 1; index >= 0; index--)
        if (posts[index]!.key === key) posts.splice(index, 1)
    },
  }
  return notifier
}
