import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { S3Refusal } from './request.ts'

export interface Account {
  accessKey: string
  secretKey: string
  /** When set, requests must carry it. */
  sessionToken: string | null
  region: string
  now: () => number
}

const scheme =
  /^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)\/(?<date>\d{8})\/(?<region>[^/]+)\/s3\/aws4_request, ?SignedHeaders=(?<names>[^,]+), ?Signature=(?<signature>[0-9a-f]{64})$/
const farthestMs = 15 * 60_000 // S3's own limit between its clock and the request's

/** Refuses what S3 refuses: no or a wrong signature, another region, an old date, headers that nobody signed, another body. */
export function checkSignature(request: IncomingMessage, raw: Buffer | null, account: Account): void {
  const { headers } = request
  if (request.url!.includes('X-Amz-Signature=')) return checkLink(request, account)
  const found = scheme.exec(headers.authorization ?? '')?.groups
  if (!found) throw new S3Refusal(403, 'AccessDenied', 'Access Denied')
  const stamp = String(headers['x-amz-date'])
  checkWho(found, account, headers['x-amz-security-token'])
  checkTime(stamp, account)
  const names = found.names!.split(';')
  for (const name of Object.keys(headers))
    if ((name.startsWith('x-amz-') || name === 'host' || name === 'content-md5') && !names.includes(name))
      throw new S3Refusal(
        403,
        'AccessDenied',
        'There were headers present in the request which were not signed',
      )
  const payload = String(headers['x-amz-content-sha256'])
  if (raw && /^[0-9a-f]{64}$/.test(payload) && sha256(raw) !== payload)
    throw new S3Refusal(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match.',
    )
  const canonical = [
    request.method,
    request.url!.split('?')[0],
    canonicalQuery(request.url!),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    found.names,
    payload,
  ].join('\n')
  if (
    signatureOf({ canonical, stamp, date: found.date!, region: found.region! }, account) !== found.signature
  )
    throw wrongSignature()
}

const linkCredential = /^(?<key>[^/]+)\/(?<date>\d{8})\/(?<region>[^/]+)\/s3\/aws4_request$/
const longestLinkSeconds = 7 * 24 * 3600

/** A link that carries its signature: refused when it was altered in anything, has ended, or is not ours. */
function checkLink(request: IncomingMessage, account: Account): void {
  const { searchParams: query } = new URL(request.url!, 'http://s3')
  const found = linkCredential.exec(query.get('X-Amz-Credential') ?? '')?.groups
  const stamp = query.get('X-Amz-Date') ?? ''
  const seconds = Number(query.get('X-Amz-Expires'))
  const names = query.get('X-Amz-SignedHeaders')?.split(';') ?? []
  const isWhole = query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256' && found && names.includes('host')
  if (!isWhole || !(seconds >= 1 && seconds <= longestLinkSeconds))
    throw new S3Refusal(400, 'AuthorizationQueryParametersError', 'Query-string authentication is malformed.')
  checkWho(found, account, query.get('X-Amz-Security-Token'))
  const begun = Date.parse(isoOf(stamp))
  if (account.now() > begun + seconds * 1000) throw new S3Refusal(403, 'AccessDenied', 'Request has expired')
  if (begun - account.now() > farthestMs) throw new S3Refusal(403, 'AccessDenied', 'Request is not valid yet')
  const unsigned = request
    .url!.split('?')[1]!
    .split('&')
    .filter((pair) => !pair.startsWith('X-Amz-Signature='))
  const canonical = [
    request.method,
    request.url!.split('?')[0],
    canonicalQuery(`?${unsigned.join('&')}`),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n')
  const signature = signatureOf({ canonical, stamp, date: found.date!, region: found.region! }, account)
  if (signature !== query.get('X-Amz-Signature')) throw wrongSignature()
}

function signatureOf(
  { canonical, stamp, date, region }: { canonical: string; stamp: string; date: string; region: string },
  { secretKey }: Account,
): string {
  const scope = `${date}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')
  const key = [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretKey}`,
  )
  return hmac(key, toSign).toString('hex')
}

const wrongSignature = (): S3Refusal =>
  new S3Refusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.')

function checkWho(found: Record<string, string>, account: Account, token: unknown): void {
  if (found.key !== account.accessKey)
    throw new S3Refusal(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    )
  if (account.sessionToken !== null && token !== account.sessionToken)
    throw new S3Refusal(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.')
  if (found.region !== account.region)
    throw new S3Refusal(
      400,
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${found.region}' is wrong; expecting '${account.region}'`,
      { Region: account.region },
    )
}

function checkTime(stamp: string, account: Account): void {
  const far = Math.abs(Date.parse(isoOf(stamp)) - account.now())
  if (!(far <= farthestMs))
    throw new S3Refusal(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: stamp,
        ServerTime: new Date(account.now()).toISOString(),
      },
    )
}

function isoOf(stamp: string): string {
  return stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
}

function canonicalQuery(url: string): string {
  const query = url.split('?')[1] ?? ''
  if (query === '') return ''
  return query
    .split('&')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&')
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
