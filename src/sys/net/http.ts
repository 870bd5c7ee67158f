import type { Agent } from 'undici'

export interface HttpAsked {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  headers?: Record<string, string>
  body?: Buffer | string
  signal: AbortSignal
}

export interface HttpAnswer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: Buffer
}

/** One request and its whole answer; a redirect is an answer like any other.
 * @throws what undici throws, the signal's reason */
export type Http = (url: string, asked: HttpAsked) => Promise<HttpAnswer>

const longestAnswer = 64 * 1024 * 1024 // more is nothing that anybody asked for

export interface HttpLimits {
  connectMs: number
  /** No answer, or nothing more of it, for so long: the connection is given up. */
  stallMs: number
  /** Of one request with all of its answer. */
  callMs: number
}

export function createHttp({ connectMs, stallMs, callMs }: HttpLimits): Http {
  let agent: Promise<Agent> | null = null

  async function make(): Promise<Agent> {
    const { Agent } = await import('undici')
    return new Agent({
      connect: { timeout: connectMs },
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
      maxResponseSize: longestAnswer,
      allowH2: false,
    })
  }

  return async (url, { method, headers = {}, body, signal }) => {
    const { request } = await import('undici')
    const dispatcher = await (agent ??= make())
    const answer = await request(url, {
      method,
      headers,
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(callMs)]),
      ...(body !== undefined && { body }),
    })
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [name, String(value ?? '')]),
      ),
      body: Buffer.from(await answer.body.arrayBuffer()),
    }
  }
}
