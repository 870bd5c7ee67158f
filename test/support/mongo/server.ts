import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { BSON, type Document } from 'mongodb'
import { commands, type Asked } from './commands.ts'
import { createScram } from './scram.ts'
import { ServerError, Store } from './store.ts'
import { createSplitter, readRequest, writeReply, type Request } from './wire.ts'

export interface MongoStandIn {
  port: number
  host: string
  store: Store
  user: string
  password: string
  /** Of a database, with the password. */
  url(database: string): string
  /** Names of the commands that were asked, in order. */
  asked: string[]
  /** Application names of those who greeted. */
  clients: Set<string>
  /** From now on these are refused: the user lacks the right. */
  denied: Set<string>
  close(): Promise<void>
}

export interface MongoSetting {
  /** Announces itself as the primary of this replica set. */
  replicaSet?: string
  /** What it announces as the address of its one member; default: where it is. */
  announced?: string
  certificate?: { key: string; cert: string }
}

const openToAll = [
  'hello',
  'isMaster',
  'ismaster',
  'saslStart',
  'saslContinue',
  'buildInfo',
  'ping',
  'endSessions',
]

/** A MongoDB server as far as the driver and the Database Tools need one: it speaks the wire protocol with sign-in by SCRAM-SHA-256 and
 * keeps databases in memory. What it does not know it refuses. */
export async function startMongo(setting: MongoSetting = {}): Promise<MongoStandIn> {
  const { certificate } = setting
  const store = new Store()
  const sockets = new Set<Socket>()
  const cursors: Asked['cursors'] = new Map() // of the server: the next batch may be asked for on another connection
  const [user, password] = ['backup', 'pä$$ w/"rd@:%']
  const greet = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, { standIn, setting, cursors })
  }
  const server = certificate ? createSecureServer(certificate, greet) : createServer(greet)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const host = `127.0.0.1:${port}`
  const login = `${user}:${encodeURIComponent(password)}`
  const standIn: MongoStandIn = {
    port,
    host,
    store,
    user,
    password,
    url: (database) => `mongodb://${login}@${host}/${encodeURIComponent(database)}?authSource=admin`,
    asked: [],
    clients: new Set(),
    denied: new Set(),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
  return standIn
}

interface Serving {
  standIn: MongoStandIn
  setting: MongoSetting
  cursors: Asked['cursors']
}

function serve(socket: Socket, { standIn, setting, cursors }: Serving): void {
  const { store, user, password } = standIn
  const scram = createScram((name, source) => (name === user && source === 'admin' ? password : null))
  let signedIn: string | null = null

  function answer({ command, documents }: Request): Document {
    const [name = ''] = Object.keys(command)
    standIn.asked.push(name)
    const client = command.client as { application?: { name?: string } } | undefined
    if (client?.application?.name) standIn.clients.add(client.application.name)
    if (['hello', 'isMaster', 'ismaster'].includes(name)) return hello(standIn, setting, command)
    if (name === 'saslStart') return scram.start(command)
    if (name === 'saslContinue') {
      const { answer: said, user: known } = scram.go(command)
      signedIn = known
      return said
    }
    if (signedIn === null && !openToAll.includes(name))
      throw new ServerError(13, 'Unauthorized', `Command ${name} requires authentication`)
    if (standIn.denied.has(name))
      throw new ServerError(
        13,
        'Unauthorized',
        `not authorized on ${command.$db} to execute command { ${name} }`,
      )
    const known = commands[name]
    if (!known) throw new ServerError(59, 'CommandNotFound', `no such command: '${name}'`)
    if (name === 'connectionStatus') return status(signedIn)
    return { ...known({ command, db: String(command.$db), documents, store, cursors }), ok: 1 }
  }

  const take = createSplitter((message) => {
    const request = readRequest(message)
    let said: Document
    try {
      said = answer(request)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      said = { ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName }
    }
    if (!request.isSilent) socket.write(writeReply(request, said))
  })
  socket.on('data', take)
  socket.on('error', () => socket.destroy())
}

function hello(
  { host }: MongoStandIn,
  { replicaSet, announced = host }: MongoSetting,
  command: Document,
): Document {
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId: 1,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ...(command.saslSupportedMechs !== undefined && { saslSupportedMechs: ['SCRAM-SHA-256'] }),
    ...(replicaSet !== undefined && {
      setName: replicaSet,
      setVersion: 1,
      electionId: new BSON.ObjectId('7fffffff0000000000000001'),
      secondary: false,
      hosts: [announced],
      primary: announced,
      me: announced,
    }),
    ok: 1,
  }
}

const allActions = [
  'find',
  'listCollections',
  'listIndexes',
  'createCollection',
  'createIndex',
  'insert',
  'dropDatabase',
]

function status(user: string | null): Document {
  const privileges = [{ resource: { db: '', collection: '' }, actions: allActions }]
  return {
    authInfo: {
      authenticatedUsers: user === null ? [] : [{ user, db: 'admin' }],
      authenticatedUserRoles: [],
      authenticatedUserPrivileges: privileges,
    },
    ok: 1,
  }
}
