import { connect, createServer, type AddressInfo } from 'node:net'
import { startS3 } from '../test/support/s3/server.ts'

/** The stand-in in a process of its own, so that it shares no event loop with what is measured; it takes parts and forgets them,
 * because elsewhere the server's work costs another machine. Once it listens it
 * prints the options of the `s3` driver as JSON: directly, and through a line of so many bytes a second (first argument).
 * It ends with its standard input. */
const bytesPerSecond = Number(process.argv[2])
const server = await startS3(null, { drain: true })
const line = await slowLine(Number(new URL(server.endpoint).port), bytesPerSecond)
console.log(JSON.stringify({ direct: server.options(), slow: server.options({ endpoint: line }) }))
process.stdin.on('close', () => process.exit(0)).resume()

/** Forwards TCP; all connections together may send so many bytes a second towards the server. */
async function slowLine(to: number, rate: number): Promise<string> {
  let freeAt = 0
  const proxy = createServer((client) => {
    const upstream = connect(to, '127.0.0.1')
    upstream.pipe(client)
    client.on('data', (chunk: Buffer) => {
      const now = performance.now()
      freeAt = Math.max(freeAt, now) + (chunk.length / rate) * 1_000
      upstream.write(chunk)
      if (freeAt - now < 5) return
      client.pause()
      setTimeout(() => client.resume(), freeAt - now)
    })
    client.on('end', () => upstream.end())
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}
