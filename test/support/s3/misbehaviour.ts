import type { ServerResponse } from 'node:http'
import type { Action, S3Answer } from './request.ts'

/** What goes wrong with one request. Bytes count from the start of the body. */
export type Trouble =
  /** Not done; answered with this error. `in200`: the error stands in the body of a 200, as it may for CompleteMultipartUpload. */
  | { answer: number; code: string; message?: string; in200?: boolean }
  /** The connection is reset after so many bytes of the request; nothing is done. */
  | { cutRequestAt: number }
  /** Done, but the connection is reset after so many bytes of the answer; 0 = no answer at all. */
  | { cutAnswerAt: number }
  /** Done; the answer is whole but one of its bytes differs. */
  | { flipAnswerAt: number }
  /** Done; the answer ends early and says so in its length. */
  | { shortenAnswerTo: number }
  /** Done; the answer stops in the middle and nothing more ever comes. */
  | { hangAnswerAt: number }
  /** Nothing is done or answered, ever. */
  | { blackhole: true }

export interface Rule {
  on: Action | 'any'
  /** Only requests whose key (or listing prefix) contains this. */
  key?: string
  /** So many matching requests pass first. Default 0. */
  after?: number
  /** So many matching requests are hit. Default 1; Infinity until removed. */
  times?: number
  trouble: Trouble
}

export interface Script {
  add(rule: Rule): () => void
  /** The trouble for this request, if any; counts it. */
  next(action: Action, key: string): Trouble | null
}

export function createScript(): Script {
  const rules = new Set<{ rule: Rule; pass: number; left: number }>()
  return {
    add(rule) {
      const entry = { rule, pass: rule.after ?? 0, left: rule.times ?? 1 }
      rules.add(entry)
      return () => void rules.delete(entry)
    },
    next(action, key) {
      for (const entry of rules) {
        const { on, key: part = '' } = entry.rule
        if ((on !== 'any' && on !== action) || !key.includes(part) || entry.left === 0) continue
        if (entry.pass > 0) {
          entry.pass--
          continue
        }
        entry.left--
        return entry.rule.trouble
      }
      return null
    },
  }
}

/** Sends an answer, spoiled as the trouble says. */
export function answerWith(response: ServerResponse, answer: S3Answer, trouble: Trouble | null): void {
  const body = Buffer.from(answer.body ?? '')
  const { headers = {} } = answer
  const write = (bytes: Buffer, length = bytes.length): void => {
    const own = headers['content-length']
    response.writeHead(answer.status, {
      ...headers,
      'content-length': own !== undefined && length === body.length ? own : length,
    })
    if (bytes.length > 0) response.write(bytes)
  }
  const at = (limit: number): Buffer => body.subarray(0, limit)
  if (trouble && 'cutAnswerAt' in trouble) {
    if (trouble.cutAnswerAt === 0) return void response.destroy()
    write(at(trouble.cutAnswerAt), body.length)
    return void setImmediate(() => response.socket?.destroy())
  }
  if (trouble && 'hangAnswerAt' in trouble) return write(at(trouble.hangAnswerAt), body.length)
  if (trouble && 'flipAnswerAt' in trouble) {
    const spoiled = Buffer.from(body)
    spoiled[trouble.flipAnswerAt]! ^= 1
    write(spoiled)
  } else if (trouble && 'shortenAnswerTo' in trouble) write(at(trouble.shortenAnswerTo))
  else write(body)
  response.end()
}
