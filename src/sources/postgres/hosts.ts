import type { Client } from 'pg'
import { Fault } from '../../core/faults.ts'
import type { Host } from '../../core/tunnel.ts'
import type { SourceContext } from '../source.ts'
import { sessionFault } from './faults.ts'
import { endpointOf, hostsOf, type Connection, type ServerRole } from './url.ts'

/** Where a host is connected to, which may be this machine's end of a tunnel. A socket is on this machine anyway. */
export function reached({ host, port }: Host, context: SourceContext): Host {
  return host.startsWith('/') ? { host, port } : context.reach({ host, port })
}

/** Each host of a connection by itself. */
export function eachHost(connection: Connection): Connection[] {
  const { others: _others, role: _role, ...one } = connection
  return hostsOf(connection).map((host) => ({ ...one, ...host }))
}

/** Restores write, whichever host dumps are taken from. */
export function forWriting(connection: Connection): Connection {
  const isChosen = connection.others !== undefined || connection.role !== undefined
  return isChosen ? { ...connection, role: 'primary' } : connection
}

/** Is there nothing to choose? */
export function isSettled({ others, role }: Connection): boolean {
  return others === undefined && role === undefined
}

/** Takes the first host that answers and has the role, in the order of the URL, as libpq does. A server that refuses us ends the search.
 * @param open  connects to one of them
 * @throws Fault database-unreachable with what each of them said · what `open` throws otherwise */
export async function openOne(
  connection: Connection,
  open: (at: Connection) => Promise<Client>,
): Promise<{ client: Client; at: Connection }> {
  if (isSettled(connection)) return { client: await open(connection), at: connection }
  const { role = 'any' } = connection
  const hosts = eachHost(connection)
  const refusals = new Set<string>()
  let missing: Fault | null = null // a replica may not have it yet
  for (const wanted of role === 'prefer-standby' ? (['standby', 'any'] as const) : [role])
    for (const at of hosts) {
      const client = await open(at).catch((error: unknown) => {
        const fault = sessionFault(error, at)
        if (fault.code === 'database-missing') missing = fault
        else if (fault.code !== 'database-unreachable') throw fault
        refusals.add(fault.message)
        return null
      })
      if (client === null) continue
      if (await suits(client, wanted)) return { client, at }
      await client.end()
      refusals.add(`${endpointOf(at)} is not ${words[wanted] ?? wanted}`)
    }
  if (missing) throw missing as Fault
  throw new Fault('database-unreachable', [...refusals].join('; '), {
    hint: 'check the hosts and target_session_attrs in database_url',
  })
}

const words: Partial<Record<ServerRole, string>> = { primary: 'the primary', standby: 'a standby' }

async function suits(client: Client, role: ServerRole): Promise<boolean> {
  if (role === 'any') return true
  const { rows } = await client.query<{ standby: boolean; reads: boolean }>(
    `SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS reads`,
  )
  const { standby, reads } = rows[0]!
  if (role === 'read-write') return !reads
  if (role === 'read-only') return reads
  return role === 'primary' ? !standby : standby
}
