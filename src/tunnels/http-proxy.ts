import type { Socket } from '../sys/net/dial.ts'
import { Fault } from '../core/faults.ts'
import { spellHost, type Host } from '../core/tunnel.ts'
import { judgeProxy, openProxy, proxyOptions, type Proxy } from './proxy.ts'
import type { TunnelDriver } from './tunnel.ts'

/** CONNECT: RFC 9110, section 9.3.6; Basic: RFC 7617. */
export const httpProxy: TunnelDriver = {
  kind: 'http_proxy',
  options: proxyOptions('Through an HTTP proxy that takes CONNECT', 'proxy.example.com:3128'),
  judge: judgeProxy,
  open: (options, context) => openProxy(options, context, { role: 'the HTTP proxy', greet }),
}

async function greet(socket: Socket, proxy: Proxy, to: Host): Promise<Socket> {
  const where = spellHost(to)
  socket.write(
    [`CONNECT ${where} HTTP/1.1`, `Host: ${where}`, ...credentials(proxy), '', ''].join('\r\n'),
    'latin1',
  )
  const head = await readHead(socket)
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  if (status?.startsWith('2')) return socket
  throw refusal(status ?? null, proxy, to)
}

function credentials({ user, password }: Proxy): string[] {
  if (user === null) return []
  return [`Proxy-Authorization: Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`]
}

const longestHead = 16_384
const endOfHead = '\r\n\r\n'

/** What comes after the head is already the other server's, and stays in the socket. */
function readHead(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let head = Buffer.alloc(0)
  const read = (): void => {
    for (let chunk; (chunk = socket.read() as Buffer | null) !== null;) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(endOfHead)
      if (end >= 0) {
        settled()
        const rest = head.subarray(end + endOfHead.length)
        if (rest.length > 0) socket.unshift(rest)
        return resolve(head.toString('latin1', 0, end))
      }
      if (head.length > longestHead) return failed(new Error('its answer is not HTTP'))
    }
  }
  const failed = (error: Error): void => {
    settled()
    reject(error)
  }
  const closed = (): void => failed(new Error('the connection was closed'))
  const settled = (): void => {
    socket.off('readable', read).off('error', failed).off('end', closed).off('close', closed)
  }
  socket.on('readable', read).on('error', failed).on('end', closed).on('close', closed)
  return promise
}

function refusal(status: string | null, { name, user }: Proxy, to: Host): Fault {
  const where = spellHost(to)
  if (status === null)
    return new Fault('tunnel-refused', `${name} does not answer in HTTP`, { hint: 'is it a SOCKS proxy?' })
  if (status === '407')
    return new Fault(
      'tunnel-refused',
      user === null
        ? `${name} wants a user and a password (407)`
        : `${name} refused the user or password (407)`,
      { hint: 'write http_proxy: { host: …, port: …, user: …, password: … } as it knows them' },
    )
  if (status === '403' || status === '405')
    return new Fault('tunnel-refused', `${name} does not let us connect to ${where} (${status})`, {
      hint: `let it allow CONNECT to port ${to.port}: many allow 443 alone`,
    })
  return new Fault('database-unreachable', `${name} does not reach ${where} (${status})`, {
    hint: 'look at its log, and try the database from the proxy’s own host',
  })
}
