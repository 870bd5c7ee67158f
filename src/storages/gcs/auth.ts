import { createSign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Fault } from '../../core/faults.ts'
import { orAborted } from '../../core/or-aborted.ts'
import type { StorageContext } from '../storage.ts'
import type { Http } from '../../sys/net/http.ts'
import { AnswerError } from './faults.ts'
import type { Settings } from './options.ts'

/** Who may use the bucket. */
export interface Credentials {
  /** A token for the next call; renewed a minute before its end. */
  token(signal: AbortSignal): Promise<string>
  /** The token was refused: the next one is a new one. */
  forget(): void
  /** @throws Fault storage-denied when there is no key to sign with */
  signer(): Promise<Signer>
}

export interface Signer {
  email: string
  /** RSA with SHA-256. */
  sign(text: string): Buffer
}

interface Token {
  token: string
  /** Epoch ms. */
  endsAt: number
}

interface Library {
  getAccessToken(): Promise<string | null | undefined>
}

interface KeyFile {
  type: string
  client_email: string
  private_key: string
  private_key_id: string
  token_uri: string
}

const scope = 'https://www.googleapis.com/auth/devstorage.read_write'
const tokenLifeS = 3_600 // the longest that Google gives
const renewMs = 60_000

export function createCredentials(settings: Settings, { clock }: StorageContext, http: Http): Credentials {
  let current: Promise<Token> | null = null
  let key: Promise<KeyFile> | null = null
  let library: Promise<Library> | null = null

  const keyFile = (): Promise<KeyFile> => (key ??= readKey(settings.keyFile!))

  async function fresh(): Promise<Token> {
    if (settings.keyFile !== null) return exchange(await keyFile())
    library ??= loadLibrary()
    const token = await fromLibrary(await library)
    return { token, endsAt: clock.now() + 2 * renewMs } // it keeps its own until they end
  }

  async function exchange(own: KeyFile): Promise<Token> {
    const now = clock.now()
    const assertion = signedClaim(own, Math.floor(now / 1000))
    const answer = await http(own.token_uri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=${encodeURIComponent('urn:ietf:params:oauth:grant-type:jwt-bearer')}&assertion=${assertion}`,
      signal: new AbortController().signal, // not one caller's: others wait for it, too
    })
    if (answer.status >= 500 || answer.status === 429) throw new AnswerError(answer)
    const said = jsonOf(answer.body)
    if (answer.status !== 200 || typeof said['access_token'] !== 'string')
      throw new Fault('storage-denied', `Google does not accept the key of ${own.client_email}`, {
        hint: 'check key_file: the key may have been deleted; the clock of this machine must be right, too',
        cause: new AnswerError(answer),
      })
    const lifeMs = Math.max(2 * renewMs, Number(said['expires_in'] ?? tokenLifeS) * 1000)
    return { token: said['access_token'], endsAt: now + lifeMs }
  }

  return {
    async token(signal) {
      for (;;) {
        const asked = (current ??= fresh()) // all who come meanwhile wait for the same one
        try {
          const { token, endsAt } = await orAborted(asked, signal)
          if (endsAt - renewMs > clock.now()) return token
        } catch (error) {
          if (current === asked && !signal.aborted) current = null
          throw error
        }
        if (current === asked) current = null
      }
    },
    forget: () => void (current = null),
    async signer() {
      if (settings.keyFile === null)
        throw new Fault('storage-denied', 'only the key of a service account can sign links', {
          hint: 'write key_file: with the key of a service account',
        })
      const own = await keyFile()
      return {
        email: own.client_email,
        sign: (text) => createSign('RSA-SHA256').update(text).sign(own.private_key),
      }
    },
  }
}

/** RFC 7523, as Google wants it. */
function signedClaim({ client_email, private_key, private_key_id, token_uri }: KeyFile, now: number): string {
  const head = { alg: 'RS256', typ: 'JWT', kid: private_key_id }
  const claim = { iss: client_email, scope, aud: token_uri, iat: now, exp: now + tokenLifeS }
  const text = [head, claim].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createSign('RSA-SHA256').update(text).sign(private_key).toString('base64url')}`
}

async function readKey(file: string): Promise<KeyFile> {
  const hint = 'make a key of the service account in JSON, and let this user read it'
  let text: Buffer
  try {
    text = await readFile(file)
  } catch (error) {
    throw new Fault('storage-denied', `the key ${file} cannot be read`, { hint, cause: error })
  }
  const key = jsonOf(text)
  const wanted = ['client_email', 'private_key', 'private_key_id', 'token_uri']
  if (key['type'] !== 'service_account' || wanted.some((name) => typeof key[name] !== 'string'))
    throw new Fault('storage-denied', `${file} is not a key of a service account`, {
      hint: `${hint}; for other kinds leave key_file out and set GOOGLE_APPLICATION_CREDENTIALS`,
    })
  return key as unknown as KeyFile
}

function jsonOf(bytes: Buffer): Record<string, unknown> {
  try {
    return (JSON.parse(bytes.toString('utf8')) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Other kinds of credentials (of the machine, of gcloud, of other clouds) are the library's to know. */
async function loadLibrary(): Promise<Library> {
  const { Storage } = await import('@google-cloud/storage')
  return new Storage({ projectId: 'unused' }).authClient
}

async function fromLibrary(auth: Library): Promise<string> {
  let cause: unknown
  try {
    const token = await auth.getAccessToken()
    if (token) return token
  } catch (error) {
    cause = error
  }
  throw new Fault('storage-denied', 'no credentials of Google were found', {
    hint: 'write key_file:, set GOOGLE_APPLICATION_CREDENTIALS, or give this machine a service account',
    cause,
  })
}
