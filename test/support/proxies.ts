import { once } from 'node:events'
import { connect, createServer, isIPv4, type AddressInfo, type Socket } from 'node:net'

/** A proxy of this machine that keeps to the letter of its protocol, and breaks off where somebody else does not. */
export interface TestProxy {
  port: number
  /** What it was asked for, in the order it came: `db.internal:5432`, `[::1]:80`. */
  asked: string[]
  /** Names that only it knows, and where they are. */
  names: Map<string, { host: string; port: number }>
  /** Bytes that passed to the ones who asked. */
  passed: number
  /** Called once, as soon as so many more have passed. */
  afterBytes(count: number, work: () => void): void
  /** Breaks off everything that goes through it now. */
  cut(): void
  close(): Promise<void>
}

export interface ProxyRules {
  user?: string
  password?: string
  /** What it answers to everybody who may ask at all: a reply of SOCKS5, or a status of HTTP. */
  answers?: number
}

type Talk = (socket: Socket, say: Reader, parts: { proxy: TestProxy; rules: ProxyRules }) => Promise<void>

export function startSocks5(rules: ProxyRules = {}): Promise<TestProxy> {
  return start(talkSocks5, rules)
}

export function startHttpProxy(rules: ProxyRules = {}): Promise<TestProxy> {
  return start(talkHttp, rules)
}

async function start(talk: Talk, rules: ProxyRules): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  let watch: { left: number; work: () => void } | null = null
  let isOver = false
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    if (isOver) return void socket.destroy()
    keep(socket)
    void talk(socket, readerOf(socket), { proxy, rules }).catch(() => socket.destroy())
  })
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    const write = socket.write.bind(socket) as (chunk: Buffer) => boolean
    if (socket.remotePort === undefined || socket.localPort !== proxy.port) return
    socket.write = ((chunk: Buffer) => {
      proxy.passed += chunk.length
      if (watch !== null && (watch.left -= chunk.length) <= 0) {
        const { work } = watch
        watch = null
        work()
      }
      return write(chunk)
    }) as typeof socket.write
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TestProxy = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    names: new Map(),
    passed: 0,
    afterBytes: (left, work) => void (watch = { left, work }),
    cut,
    async close() {
      isOver = true
      cut()
      await new Promise((done) => server.close(done))
    },
  }
  return proxy
}

/** Exactly so many bytes, or up to a mark; the rest stays. */
interface Reader {
  bytes(count: number): Promise<Buffer>
  upTo(mark: string): Promise<string>
}

function readerOf(socket: Socket): Reader {
  const take = async (enough: (all: Buffer) => number): Promise<Buffer> => {
    let all = Buffer.alloc(0)
    for (;;) {
      const chunk = socket.read() as Buffer | null
      if (chunk !== null) all = Buffer.concat([all, chunk])
      const end = enough(all)
      if (end >= 0) {
        if (all.length > end) socket.unshift(all.subarray(end))
        return all.subarray(0, end)
      }
      if (chunk === null) {
        if (socket.readableEnded || socket.destroyed) throw new Error('it went away')
        await Promise.race([once(socket, 'readable'), once(socket, 'close')])
      }
    }
  }
  return {
    bytes: (count) => take((all) => (all.length >= count ? count : -1)),
    async upTo(mark) {
      const found = await take((all) => (all.includes(mark) ? all.indexOf(mark) + mark.length : -1))
      return found.toString('latin1')
    },
  }
}

/** RFC 1928 and RFC 1929. */
const talkSocks5: Talk = async (socket, say, { proxy, rules }) => {
  const [version, count] = await say.bytes(2)
  if (version !== 5) return void socket.end()
  const methods = [...(await say.bytes(count!))]
  const wanted = rules.user === undefined ? 0 : 2
  if (!methods.includes(wanted)) return void socket.end(Buffer.from([5, 0xff]))
  socket.write(Buffer.from([5, wanted]))
  if (wanted === 2) {
    const [subversion, userLength] = await say.bytes(2)
    const user = (await say.bytes(userLength!)).toString()
    const [passwordLength] = await say.bytes(1)
    const password = (await say.bytes(passwordLength!)).toString()
    const isRight = subversion === 1 && user === rules.user && password === rules.password
    socket.write(Buffer.from([1, isRight ? 0 : 1]))
    if (!isRight) return void socket.end()
  }
  const [again, command, reserved, kind] = await say.bytes(4)
  if (again !== 5 || command !== 1 || reserved !== 0) return void socket.end(reply(7))
  const host = await addressOf(kind!, say)
  if (host === null) return void socket.end(reply(8))
  const port = (await say.bytes(2)).readUInt16BE()
  await onward(socket, { host, port, proxy, rules }, { good: () => reply(0), bad: (status) => reply(status) })
}

async function addressOf(kind: number, say: Reader): Promise<string | null> {
  if (kind === 1) return (await say.bytes(4)).join('.')
  if (kind === 3) return (await say.bytes((await say.bytes(1))[0]!)).toString('latin1')
  if (kind !== 4) return null
  const hex = (await say.bytes(16)).toString('hex')
  return new URL(`http://[${hex.match(/.{4}/g)!.join(':')}]`).hostname.slice(1, -1)
}

/** The address it binds is given as one of IPv6, which is longer than most expect. */
function reply(status: number): Buffer {
  return Buffer.concat([Buffer.from([5, status, 0, 4]), Buffer.alloc(16), Buffer.from([0, 0])])
}

/** RFC 9110, section 9.3.6; RFC 7617. */
const talkHttp: Talk = async (socket, say, { proxy, rules }) => {
  const head = await say.upTo('\r\n\r\n')
  const [line, ...fields] = head.trimEnd().split('\r\n')
  const target = /^CONNECT (\S+) HTTP\/1\.1$/.exec(line!)?.[1]
  const field = (name: string): string | undefined =>
    fields.find((one) => one.toLowerCase().startsWith(`${name}:`))?.replace(/^[^:]+: */, '')
  const answer = (status: number, more = ''): Buffer =>
    Buffer.from(`HTTP/1.1 ${status} Whatever\r\nVia: 1.1 test\r\n${more}\r\n`)
  if (target === undefined || field('host') !== target) return void socket.end(answer(400))
  const known = Buffer.from(`${rules.user}:${rules.password}`).toString('base64')
  if (rules.user !== undefined && field('proxy-authorization') !== `Basic ${known}`)
    return void socket.end(answer(407, 'Proxy-Authenticate: Basic realm="test"\r\n'))
  const { host, port } = /^(?:\[(?<host>.+)\]|(?<host>[^:]+)):(?<port>\d+)$/.exec(target)!.groups!
  const asked = { host: host!, port: Number(port), proxy, rules }
  await onward(socket, asked, {
    good: () => answer(200),
    bad: (status) => answer(status < 100 ? 502 : status),
  })
}

/** Its answer and the server's first words leave in one piece, when they come at once: the hardest case. */
async function onward(
  socket: Socket,
  asked: { host: string; port: number; proxy: TestProxy; rules: ProxyRules },
  says: { good: () => Buffer; bad: (status: number) => Buffer },
): Promise<void> {
  const { host, port, proxy, rules } = asked
  proxy.asked.push(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
  if (rules.answers !== undefined) return void socket.end(says.bad(rules.answers))
  const where = proxy.names.get(host) ?? (isIPv4(host) || host.includes(':') ? { host, port } : null)
  if (where === null) return void socket.end(says.bad(4))
  const inner = connect({ ...where, noDelay: true, allowHalfOpen: true })
  socket.once('close', () => inner.destroy())
  try {
    await once(inner, 'connect')
  } catch {
    return void socket.end(says.bad(5))
  }
  if (socket.destroyed) return void inner.destroy()
  inner.on('error', () => socket.destroy())
  inner.once('close', () => socket.destroySoon())
  await Promise.race([once(inner, 'readable'), new Promise((next) => setTimeout(next, 5))]) // it may greet
  const early = (inner.read() as Buffer | null) ?? Buffer.alloc(0)
  socket.write(Buffer.concat([says.good(), early]))
  inner.pipe(socket).pipe(inner)
}
