import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/** Did a process of this account, or of root, open this connection over 127.0.0.1? Where the system does not tell (it is no
 * Linux), everybody counts as ours. */
export async function isOurs(socket: Socket): Promise<boolean> {
  const owner = await ownerOf(socket)
  return owner === 'untold' || owner === 0 || owner === process.getuid?.()
}

/** The account whose process opened a connection over 127.0.0.1 that we took.
 * @returns its number; null = the process has let go of it; `untold` = the system does not say */
export async function ownerOf({ remotePort, localPort }: Socket): Promise<number | null | 'untold'> {
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '')
  if (remotePort === undefined || localPort === undefined) return null // it is closed already
  if (ownerIn(table, { from: localPort, to: remotePort }) === null) return 'untold' // not even our own end
  return ownerIn(table, { from: remotePort, to: localPort })
}

const loopback = ['0100007F', '7F000001'] // 127.0.0.1 in either order of bytes

/** Lines as proc(5) has them: `sl local_address rem_address st … uid timeout inode`, addresses in hexadecimal.
 * @returns the number of an account; null = there is no such connection, or its process has let go of it: then it has no inode,
 * and counts as root's */
function ownerIn(table: string, { from, to }: { from: number; to: number }): number | null {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  const spelled = loopback.map((address) => ` ${address}:${hex(from)} ${address}:${hex(to)} `)
  const line = table.split('\n').find((row) => spelled.some((ends) => row.includes(ends)))
  const [, , , , , , , owner, , inode] = line?.trim().split(/\s+/) ?? []
  return owner === undefined || inode === undefined || inode === '0' ? null : Number(owner)
}
