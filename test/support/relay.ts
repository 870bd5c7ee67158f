import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a relay does to a request instead of handing it on. */
export type Twist =
  /** Not handed on; answered with this. */
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Handed on and done, but nobody hears of it. */
  | 'lost'
  /** Handed on; the answer has one byte changed. */
  | 'altered'

export interface Relay {
  port: number
  /** From now on, the first `times` requests that fit. */
  twist(rule: { fits: (request: IncomingMessage) => boolean; times?: number; twist: Twist }): void
  close(): Promise<void>
}

/** A server of HTTP on loopback that hands everything on to another one, but for what it is told to spoil. */
export async function startRelay(target: number): Promise<Relay> {
  const rules: { fits: (request: IncomingMessage) => boolean; left: number; twist: Twist }[] = []
  const server = createServer((incoming, response) => {
    const rule = rules.find(({ fits, left }) => left > 0 && fits(incoming))
    if (rule) rule.left--
    if (rule && typeof rule.twist === 'object') return answer(incoming, response, rule.twist)
    handOn(incoming, response, { target, twist: rule?.twist as 'lost' | 'altered' | undefined })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    twist: ({ fits, times = 1, twist }) => void rules.push({ fits, left: times, twist }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body = '' }: Exclude<Twist, string>,
): void {
  incoming.resume().on('end', () => response.writeHead(status, headers).end(body))
}

function handOn(
  incoming: IncomingMessage,
  response: ServerResponse,
  { target, twist }: { target: number; twist: 'lost' | 'altered' | undefined },
): void {
  const { method, url, headers } = incoming
  const onward = send({ host: '127.0.0.1', port: target, method, path: url, headers }, (answered) => {
    void answered.toArray().then((chunks: Buffer[]) => {
      if (twist === 'lost') return response.destroy()
      const body = Buffer.concat(chunks)
      if (twist === 'altered' && body.length > 0) body[body.length - 1]! ^= 1
      response.writeHead(answered.statusCode!, answered.headers)
      response.end(body)
    })
  })
  onward.on('error', () => response.destroy())
  incoming.pipe(onward)
}
