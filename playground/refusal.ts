import type { Json } from './validate/rules.ts'

/** Slack's way to say no: `{ok: false, error: code, …}` with status 200. */
export class Refusal extends Error {
  readonly code: string
  readonly more: Json

  constructor(code: string, more: Json = {}) {
    super(code)
    this.code = code
    this.more = more
  }

  body(): Json {
    return { ok: false, error: this.code, ...this.more }
  }
}

/** With the messages that name the field and the limit. */
export function refusal(code: string, messages: string[] = []): Refusal {
  return new Refusal(
    code,
    messages.length === 0
      ? {}
      : { errors: messages.map((one) => one.replace('[ERROR] ', '')), response_metadata: { messages } },
  )
}
