import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import ssh2 from 'ssh2'
import { makeFolder } from './local.ts'
import { fingerprintOf, makeKey } from './sshd.ts'

/** A server of SSH that takes a password: OpenSSH itself checks those of the machine only. */
export interface SshServer {
  port: number
  fingerprint: string
  /** How people logged in, in the order they came. */
  logins: string[]
}

/** @param rules.asks  it asks for the password in words of its own (keyboard-interactive)
 * @param rules.mute  it takes connections and says nothing */
export async function startSshServer(
  t: TestContext,
  rules: { user: string; password: string; asks?: boolean; mute?: boolean },
): Promise<SshServer> {
  const key = await makeKey(join(await makeFolder(t), 'host'))
  const logins: string[] = []
  const server = new ssh2.Server({ hostKeys: [await readFile(key.path)] }, (client) => {
    t.after(() => client.end())
    client.on('error', () => {})
    client.on('authentication', (attempt) => {
      const { username, method } = attempt
      const judge = (password: string | undefined): void => {
        logins.push(`${username} by ${method}`)
        if (username === rules.user && password === rules.password) attempt.accept()
        else attempt.reject()
      }
      if (rules.asks && attempt.method === 'keyboard-interactive')
        attempt.prompt([{ prompt: 'Your password, please: ', echo: false }], ([answer]) => judge(answer))
      else if (!rules.asks && attempt.method === 'password') judge(attempt.password)
      else attempt.reject([rules.asks ? 'keyboard-interactive' : 'password'])
    })
    client.on('tcpip', (accept, refuse, { destIP, destPort }) => {
      if (rules.mute) return
      const inner = connect({ host: destIP, port: destPort })
      inner.once('error', refuse)
      inner.once('connect', () => {
        const channel = accept()
        channel.pipe(inner).pipe(channel)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { port, fingerprint: await fingerprintOf(`${key.path}.pub`), logins }
}
