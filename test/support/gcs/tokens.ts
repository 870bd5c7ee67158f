import { createVerify, generateKeyPairSync, randomUUID } from 'node:crypto'
import { json, type GcsAnswer, type GcsRequest } from './store.ts'

export interface Tokens {
  /** A key file of the service account, as Google makes it. */
  keyFile(tokenUri: string): Record<string, string>
  publicKey: string
  /** The token endpoint: the signature, the time and the audience have to be right. */
  exchange(request: GcsRequest, tokenUri: string): GcsAnswer
  accepts(authorization: unknown): boolean
  /** No token is accepted any more. */
  revokeAll(): void
  /** The key is deleted: no token is given for it. */
  dropKey(): void
  readonly given: number
}

export const email = 'backups@stand-in.iam.gserviceaccount.com'

// making one takes a tenth of a second
const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

export function createTokens(now: () => number): Tokens {
  const valid = new Set<string>()
  let given = 0
  let hasKey = true

  function judge(assertion: string, tokenUri: string): string | null {
    const [head = '', claim = '', signature = ''] = assertion.split('.')
    const isSigned = createVerify('RSA-SHA256')
      .update(`${head}.${claim}`)
      .verify(pair.publicKey, Buffer.from(signature, 'base64url'))
    if (!isSigned || !hasKey) return 'Invalid JWT Signature.'
    const said = JSON.parse(Buffer.from(claim, 'base64url').toString()) as Record<string, unknown>
    const { iss, aud, scope, iat, exp } = said
    if (iss !== email) return 'Invalid issuer'
    if (aud !== tokenUri) return 'Invalid audience'
    if (!String(scope).startsWith('https://www.googleapis.com/auth/devstorage.')) return 'Invalid scope'
    const seconds = now() / 1000
    if (Number(iat) > seconds + 300 || Number(exp) < seconds || Number(exp) - Number(iat) > 3600)
      return 'Invalid JWT: Token must be a short-lived token'
    return null
  }

  return {
    publicKey: pair.publicKey,
    keyFile: (tokenUri) => ({
      type: 'service_account',
      project_id: 'stand-in',
      private_key_id: 'k1',
      private_key: pair.privateKey,
      client_email: email,
      client_id: '1',
      token_uri: tokenUri,
    }),
    exchange({ method, body }, tokenUri) {
      const form = new URLSearchParams(body.toString())
      const isAsked = form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer'
      if (method !== 'POST' || !isAsked) return json({ error: 'unsupported_grant_type' }, 400)
      const why = judge(form.get('assertion') ?? '', tokenUri)
      if (why !== null) return json({ error: 'invalid_grant', error_description: why }, 400)
      const token = `ya29.${randomUUID()}`
      valid.add(token)
      given++
      return json({ access_token: token, expires_in: 3599, token_type: 'Bearer' })
    },
    accepts: (authorization) => valid.has(String(authorization).replace(/^Bearer /, '')),
    revokeAll: () => valid.clear(),
    dropKey: () => void (hasKey = false),
    get given() {
      return given
    },
  }
}
