import pg from 'pg'
import { analytics } from '../samples/analytics.ts'
import type { Sample } from '../samples/sample.ts'
import { shop } from '../samples/shop.ts'
import { startPostgres, type PostgresServer } from '../servers/postgres.ts'

/** Whom the demo's configuration names: one who may only read, and one who may create databases. */
export const accounts = { backup: 'backup', owner: 'owner' } as const

export interface SampleServer {
  server: PostgresServer
  /** What a backup needs: the right to read. */
  backupPassword: string
  /** For restores: may create databases. */
  ownerPassword: string
}

/** A throw-away PostgreSQL with both sample databases, filled side by side. It ends when this process does. */
export async function startSamples(): Promise<SampleServer> {
  const server = await startPostgres()
  try {
    const backupPassword = await createAccount(server, accounts.backup, 'LOGIN')
    const ownerPassword = await createAccount(server, accounts.owner, 'LOGIN CREATEDB')
    await Promise.all([shop, analytics].map((sample) => fill(server, sample)))
    return { server, backupPassword, ownerPassword }
  } catch (error) {
    await server.close()
    throw error
  }
}

async function createAccount(server: PostgresServer, name: string, rights: string): Promise<string> {
  const password = crypto.randomUUID().slice(0, 13)
  await server.query(`CREATE ROLE ${name} ${rights} PASSWORD ${pg.escapeLiteral(password)}`)
  return password
}

/** The tables belong to `owner`, as in a real place, where nothing belongs to the superuser. */
async function fill(server: PostgresServer, { name, statements }: Sample): Promise<void> {
  await server.query(`CREATE DATABASE ${name} OWNER ${accounts.owner}`)
  const client = new pg.Client({ connectionString: server.url(name) })
  client.on('error', () => undefined) // the server may end before the client does
  await client.connect()
  try {
    await client.query(`ALTER SCHEMA public OWNER TO ${accounts.owner}; SET ROLE ${accounts.owner}`)
    for (const statement of statements) await client.query(statement)
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${accounts.backup}`)
    await client.query(`GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO ${accounts.backup}`)
  } finally {
    await client.end()
  }
}
