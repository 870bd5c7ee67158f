import assert from 'node:assert/strict'
import { createServer, connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { asFault } from '../../src/core/faults.ts'
import type { Host } from '../../src/core/tunnel.ts'
import type { Source } from '../../src/sources/source.ts'
import type { Command, Processes } from '../../src/sys/process.ts'

/** What a driver showed to the world while it worked. */
export interface Witness {
  commands: Command[]
  /** Message and hint of each fault. */
  faults: string[]
  said: string[]
}

export function witnessed(): Witness {
  return { commands: [], faults: [], said: [] }
}

/** The same programs; each command that is started is noted. */
export function recordCommands(processes: Processes, { commands }: Witness): Processes {
  return {
    find: processes.find,
    join: (joined, running) => (commands.push(...joined.stages), processes.join(joined, running)),
    output: (command, running) => (commands.push(command), processes.output(command, running)),
  }
}

/** The same source; each fault that it throws is noted. */
export function recordFaults(source: Source, { faults }: Witness): Source {
  const note = (error: unknown): never => {
    const { message, hint } = asFault(error)
    faults.push(`${message} ${hint ?? ''}`)
    throw error
  }
  return new Proxy(source, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = value.apply(target, args)
        return result instanceof Promise ? result.catch(note) : result
      }
    },
  })
}

/** Where everybody on this machine can read: `ps`, logs, messages. */
export function assertHidden({ commands, faults, said }: Witness, secrets: string[]): void {
  for (const secret of secrets) {
    for (const { argv } of commands)
      assert.ok(!argv.join('\n').includes(secret), `the arguments of ${argv[0]} hold the secret`)
    for (const text of faults) assert.ok(!text.includes(secret), `a fault holds the secret: ${text}`)
    for (const line of said) assert.ok(!line.includes(secret), `a line that was said holds it: ${line}`)
  }
}

/** This machine's end of a tunnel to `host`. */
export async function forwardTo({ host, port }: Host, t: TestContext): Promise<Host> {
  const server = createServer((near) => {
    const far = connect(port, host)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** Where nobody listens. */
export async function deadEnd(): Promise<Host> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { host: '127.0.0.1', port }
}
