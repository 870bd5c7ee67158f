import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { BSON, type Document } from 'mongodb'
import { ServerError } from './store.ts'

const iterations = 4096 // the least that drivers take

/** The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) for one connection. */
export function createScram(passwordOf: (user: string, source: string) => string | null) {
  let user = ''
  let first = ''
  let expected = ''
  let signature = ''
  let step = 0

  function start(command: Document): Document {
    if (command.mechanism !== 'SCRAM-SHA-256') throw refused()
    const bare = textOf(command.payload).replace(/^n,,/, '')
    const [, name = '', nonce = ''] = /^n=(.*),r=(.*)$/.exec(bare) ?? []
    user = name.replaceAll('=2C', ',').replaceAll('=3D', '=')
    const password = passwordOf(user, String(command.$db))
    const salt = randomBytes(28)
    const server = `r=${nonce}${randomBytes(18).toString('base64')},s=${salt.toString('base64')},i=${iterations}`
    const salted = pbkdf2Sync(password ?? randomBytes(16), salt, iterations, 32, 'sha256')
    const withoutProof = `c=biws,${server.split(',')[0]}`
    const message = `${bare},${server},${withoutProof}`
    const clientKey = mac(salted, 'Client Key')
    const stored = createHash('sha256').update(clientKey).digest()
    const proof = xor(clientKey, mac(stored, message))
    expected = `${withoutProof},p=${proof.toString('base64')}`
    signature = mac(mac(salted, 'Server Key'), message).toString('base64')
    first = server
    step = 1
    return { conversationId: 1, done: false, payload: payload(first), ok: 1 }
  }

  /** @returns the answer, and the user once the proof was right */
  function go(command: Document): { answer: Document; user: string | null } {
    const given = textOf(command.payload)
    if (step === 1) {
      const [a, b] = [Buffer.from(given), Buffer.from(expected)]
      if (a.length !== b.length || !timingSafeEqual(a, b)) throw refused()
      step = 2
      return { answer: { conversationId: 1, done: true, payload: payload(`v=${signature}`), ok: 1 }, user }
    }
    if (step !== 2) throw refused()
    return { answer: { conversationId: 1, done: true, payload: payload(''), ok: 1 }, user }
  }

  return { start, go }
}

const refused = (): ServerError => new ServerError(18, 'AuthenticationFailed', 'Authentication failed.')
const mac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ b[index]!))
const payload = (text: string): BSON.Binary => new BSON.Binary(Buffer.from(text))
const textOf = (value: unknown): string => (value as BSON.Binary).toString('utf8')
