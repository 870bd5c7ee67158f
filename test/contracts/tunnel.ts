import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import { freePort } from '../../playground/servers/free-port.ts'
import type { Fault } from '../../src/core/faults.ts'
import { systemClock } from '../../src/sys/clock.ts'
import type { Tunnel, TunnelDriver } from '../../src/tunnels/tunnel.ts'

/** A tunnel of one kind, and what it goes through. */
export interface Bored {
  driver: TunnelDriver
  options: Record<string, unknown>
  /** As its name has to be. */
  name: RegExp
  /** Breaks off everything that goes through it now; what is begun later goes through again. */
  cut(): Promise<void>
  /** Nobody is there any more. */
  leave(): Promise<void>
  /** Its secrets. */
  secrets: readonly string[]
}

const never = new AbortController().signal

/** What every tunnel must keep. */
export function tunnelContract(kind: string, make: (t: TestContext) => Promise<Bored>): void {
  function open(t: TestContext, { driver, options }: Bored): { tunnel: Tunnel; broken: Fault[] } {
    const broken: Fault[] = []
    assert.equal(driver.judge(options), null)
    const tunnel = driver.open(options, {
      clock: systemClock,
      agentSocket: null,
      broken: (fault) => void broken.push(fault),
    })
    t.after(() => tunnel.close())
    return { tunnel, broken }
  }

  suite(`${kind}: the contract of a tunnel`, () => {
    test('what goes in comes out, byte for byte, in both directions and to the end', async (t) => {
      const bored = await make(t)
      const { tunnel } = open(t, bored)
      assert.match(tunnel.name, bored.name)
      const port = await listen(t, (socket) => socket.pipe(socket))
      const stream = await tunnel.connect({ host: '127.0.0.1', port }, never)
      const sent = Buffer.alloc(3_000_000, 'easy-backup ')
      const heard: Buffer[] = []
      stream.on('data', (chunk: Buffer) => heard.push(chunk)).resume()
      stream.end(sent)
      await once(stream, 'end')
      assert.ok(Buffer.concat(heard).equals(sent))
    })

    test('a server that speaks first is heard from its first byte, by several at once', async (t) => {
      const { tunnel } = open(t, await make(t))
      const port = await listen(t, (socket) => socket.end('hello, I speak first'))
      const said = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const stream = await tunnel.connect({ host: '127.0.0.1', port }, never)
          const parts: Buffer[] = []
          for await (const part of stream) parts.push(part as Buffer)
          return Buffer.concat(parts).toString()
        }),
      )
      assert.deepEqual(new Set(said), new Set(['hello, I speak first']))
    })

    test('a server that nobody reaches there is told with who tried', async (t) => {
      const bored = await make(t)
      const { tunnel } = open(t, bored)
      const port = await freePort()
      await assert.rejects(tunnel.connect({ host: '127.0.0.1', port }, never), (fault: Fault) => {
        assert.equal(fault.code, 'database-unreachable')
        assert.match(fault.message, bored.name)
        assert.ok(fault.message.includes(`127.0.0.1:${port}`), fault.message)
        return fault.retry
      })
    })

    test('a tunnel that is cut ends its streams, and the next one goes through again', async (t) => {
      const bored = await make(t)
      const { tunnel } = open(t, bored)
      const port = await listen(t, (socket) => socket.write('more and more'))
      const host = { host: '127.0.0.1', port }
      const stream = await tunnel.connect(host, never)
      stream.on('error', () => {}).resume()
      const ended = new Promise((resolve) => stream.once('close', resolve))
      await once(stream, 'data')
      await bored.cut()
      await ended
      const next = await tunnel.connect(host, never)
      assert.equal(await firstWords(next), 'more and more')
      next.destroy()
    })

    test('nobody there is a fault that says who, can be tried again, and has no secret', async (t) => {
      const bored = await make(t)
      const { tunnel } = open(t, bored)
      await bored.leave()
      const port = await listen(t, (socket) => socket.end())
      await assert.rejects(tunnel.connect({ host: '127.0.0.1', port }, never), (fault: Fault) => {
        assert.equal(fault.code, 'tunnel-unreachable')
        assert.match(fault.message, bored.name)
        assert.notEqual(fault.hint, null)
        for (const secret of bored.secrets) assert.ok(!`${fault.message}${fault.hint}`.includes(secret))
        return fault.retry
      })
      const [line, ...more] = (await tunnel.check(never)).toReversed()
      assert.equal(line!.ok, false)
      assert.ok(more.every(({ ok }) => ok))
    })

    test('doctor sees how long the way takes, and nothing stays open', async (t) => {
      const bored = await make(t)
      const { tunnel } = open(t, bored)
      const lines = await tunnel.check(never)
      assert.ok(lines.every(({ ok, hint }) => ok && hint === null))
      assert.match(lines.at(-1)!.text, bored.name)
      assert.match(lines.at(-1)!.text, / in \d+ ms/)
    })

    test('whoever stops waiting gets the reason, and the others go on', async (t) => {
      const { tunnel } = open(t, await make(t))
      const port = await listen(t, (socket) => socket.end('here'))
      const cancel = new AbortController()
      const lost = tunnel.connect({ host: '127.0.0.1', port }, cancel.signal)
      const other = tunnel.connect({ host: '127.0.0.1', port }, never)
      cancel.abort(new Error('somebody cancelled'))
      await assert.rejects(lost, /somebody cancelled/)
      assert.equal(await firstWords(await other), 'here')
    })

    test('closing it ends every stream', async (t) => {
      const { tunnel, broken } = open(t, await make(t))
      const port = await listen(t, (socket) => socket.write('on'))
      const stream = await tunnel.connect({ host: '127.0.0.1', port }, never)
      stream.on('error', () => {}).resume()
      const ended = new Promise((resolve) => stream.once('close', resolve))
      await tunnel.close()
      await ended
      assert.deepEqual(broken, [], 'an end that was asked for is no fault')
    })
  })
}

export async function firstWords(stream: Duplex): Promise<string> {
  const said = once(stream, 'data')
  stream.resume()
  return String((await said)[0])
}

/** @returns the port of a server of this machine that is closed after the test */
export async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  let isOver = false
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    if (isOver) return void socket.destroy()
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    isOver = true
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  })
  return (server.address() as AddressInfo).port
}
