import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import { openForwarder, type Forwarder, type Forwarding } from '../../../src/sys/net/forwarder.ts'
import { until } from '../../support/dam.ts'

/** With what it was told. */
async function open(t: TestContext, onward: Forwarding['onward']) {
  const told: { failed: unknown[]; ended: number } = { failed: [], ended: 0 }
  const forwarder = await openForwarder({
    onward,
    failed: (error) => void told.failed.push(error),
    ended: () => void told.ended++,
  })
  t.after(() => forwarder.close())
  return { forwarder, told }
}

const echo = async () => new PassThrough()

suite('a forwarder', () => {
  test('hands bytes on in both directions, and an end as an end', async (t) => {
    const { forwarder, told } = await open(t, echo)
    const socket = connect(forwarder)
    const sent = Buffer.alloc(500_000, 'abc')
    socket.end(sent)
    const heard = Buffer.concat((await socket.toArray()) as Buffer[])
    assert.ok(heard.equals(sent))
    assert.deepEqual(told, { failed: [], ended: 0 })
  })

  test('what breaks behind it ends the connection, and says why', async (t) => {
    const way = new PassThrough()
    const { forwarder, told } = await open(t, async () => way)
    const socket = connect(forwarder)
    socket.write('half')
    await once(socket, 'data')
    way.destroy(new Error('it broke'))
    await once(socket, 'close')
    assert.deepEqual(told.failed.map(String), ['Error: it broke'])
  })

  test('without a way on nothing is heard, and it says why', async (t) => {
    const { forwarder, told } = await open(t, () => Promise.reject(new Error('no way')))
    assert.deepEqual(await connect(forwarder).toArray(), [])
    assert.deepEqual(told.failed.map(String), ['Error: no way'])
  })

  test('closing it ends what is not through yet, and is no failure', async (t) => {
    let gone: AbortSignal | null = null
    const { forwarder, told } = await open(t, (signal) => {
      gone = signal
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    })
    const socket = connect(forwarder)
    await until(() => gone !== null, 'somebody connected')
    const closed = once(socket.resume(), 'close')
    await forwarder.close()
    await closed
    await until(() => gone!.aborted, 'the way is told')
    assert.deepEqual(told.failed, [])
  })

  test('a server that closes first is noted, for it may have been the tunnel', async (t) => {
    const way = new PassThrough()
    const { forwarder, told } = await open(t, async () => way)
    const socket = connect(forwarder)
    socket.write('last words')
    await once(socket, 'data')
    way.end()
    await once(socket.resume(), 'end')
    assert.equal(told.ended, 1)
    socket.destroy()
  })

  test(
    'another account of this machine is turned away',
    { skip: process.getuid?.() !== 0 && 'needs two accounts' },
    async (t) => {
      const { forwarder } = await open(t, echo)
      assert.equal(await ask(forwarder, 65_534), '')
      assert.equal(await ask(forwarder, 0), 'hello')
    },
  )
})

/** What a process of an account hears on its connection. */
function ask({ host, port }: Forwarder, uid: number): Promise<string> {
  const script = `exec 3<>/dev/tcp/${host}/${port} && printf hello >&3 && head -c 5 <&3`
  return new Promise((resolve) =>
    execFile('bash', ['-c', script], { uid, gid: uid, cwd: '/' }, (_, stdout) => resolve(stdout)),
  )
}
