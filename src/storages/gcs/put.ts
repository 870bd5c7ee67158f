import { createHash, randomUUID, type Hash } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { commitOnce, endOrSay, refuseTaken, type Uncertain } from '../wrap/unsure.ts'
import { uploadUrlOf, type Bucket } from './client.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { lookAt, readBack, resourceOf, type Resource } from './look.ts'
import { removeObject } from './remove.ts'
import { beginSession, endSession, sendChunk, type Session } from './resumable.ts'

/** One object on its way. */
interface Putting {
  bucket: Bucket
  key: string
  options: PutOptions
  sha256: Hash
  md5: Hash
  bytes: number
}

/** A small object by one request, everything else chunk by chunk while the spool grows. */
export async function putObject(
  bucket: Bucket,
  key: string,
  { spool, options }: { spool: Spool; options: PutOptions },
): Promise<Receipt> {
  options.signal.throwIfAborted()
  const putting: Putting = {
    bucket,
    key,
    options,
    sha256: createHash('sha256'),
    md5: createHash('md5'),
    bytes: 0,
  }
  await refuseTaken(uncertain(putting))
  const { chunkBytes } = bucket.limits
  const first = await spool.read(0, chunkBytes, options.signal)
  const isWhole = first.length < chunkBytes || (spool.ended() && (await spool.size()) === first.length)
  return isWhole ? putWhole(putting, first) : putInChunks(putting, spool, first)
}

function uncertain(putting: Putting): Uncertain {
  const { bucket, key, options } = putting
  return {
    key,
    options,
    log: bucket.log,
    endMs: bucket.limits.endMs,
    look: (signal) => lookAt(bucket, key, signal),
    async isOurs(signal) {
      const found = await lookAt(bucket, key, signal)
      return found !== null && isOurs(putting, found, signal)
    },
    remove: (signal) => removeObject(bucket, key, signal),
    isDenied: (error) => answered(error, 403),
    mayHaveWorked,
  }
}

function take(putting: Putting, body: Buffer): void {
  putting.sha256.update(body)
  putting.md5.update(body)
  putting.bytes += body.length
}

/** Google compares it with its MD5 before it takes it. */
async function putWhole(putting: Putting, body: Buffer): Promise<Receipt> {
  const { bucket, key, options } = putting
  const { settings } = bucket
  take(putting, body)
  const boundary = randomUUID()
  const description = { name: settings.prefix + key, md5Hash: putting.md5.copy().digest('base64') }
  const part = (type: string): string => `--${boundary}\r\ncontent-type: ${type}\r\n\r\n`
  const query = { uploadType: 'multipart', ...(options.ifAbsent && { ifGenerationMatch: '0' }) }
  const asked = {
    method: 'POST' as const,
    url: uploadUrlOf(settings, key, query),
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: Buffer.concat([
      Buffer.from(
        `${part('application/json')}${JSON.stringify(description)}\r\n${part('application/octet-stream')}`,
      ),
      body,
      Buffer.from(`\r\n--${boundary}--`),
    ]),
    ok: [200],
  }
  const doing = { what: `storing ${key}`, right: 'storage.objects.create', signal: options.signal }
  const receipt = await confirmed(putting, async (onRetry) =>
    resourceOf((await bucket.call({ ...doing, onRetry }, asked)).body),
  )
  options.onState?.(receipt.bytes)
  return receipt
}

async function putInChunks(putting: Putting, spool: Spool, first: Buffer): Promise<Receipt> {
  const { bucket, key, options } = putting
  const session = await beginSession(bucket, key, options)
  try {
    await options.onUpload?.(session.upload)
    const { last, at } = await sendChunks(putting, session, { spool, first })
    const receipt = await confirmed(putting, async (onRetry) => {
      const object = await sendChunk(session, { bytes: last, at, isLast: true, onRetry })
      if (object) return object
      throw new Fault('storage-unreachable', `storing ${key}: all was sent, but nothing was made of it`)
    })
    options.onState?.(receipt.bytes)
    await options.onUpload?.(null)
    return receipt
  } catch (error) {
    await endOrSay(uncertain(putting), (signal) => endSession(session, signal))
    throw error
  }
}

/** All but the last chunk; the next one is read while one is sent. @returns the last, which may be empty */
async function sendChunks(
  putting: Putting,
  session: Session,
  { spool, first }: { spool: Spool; first: Buffer },
): Promise<{ last: Buffer; at: number }> {
  const { bucket, options } = putting
  const { chunkBytes } = bucket.limits
  const rooms = [Buffer.allocUnsafeSlow(chunkBytes), first]
  let chunk = first
  let at = 0
  for (let turn = 0; chunk.length === chunkBytes; turn++) {
    take(putting, chunk)
    const next = spool.read(at + chunk.length, rooms[turn % 2]!, options.signal)
    next.catch(() => {}) // told when its turn comes
    await sendChunk(session, { bytes: chunk, at, isLast: false })
    at += chunk.length
    options.onState?.(at)
    chunk = await next
  }
  take(putting, chunk)
  return { last: chunk, at }
}

/** Makes the object visible, and returns only when Google holds what we sent (promise 2). */
async function confirmed(
  putting: Putting,
  send: (onRetry: (error: unknown) => void) => Promise<Resource>,
): Promise<Receipt> {
  const { bucket, key, options } = putting
  const stated = await commitOnce(uncertain(putting), send)
  if (stated !== null && !(await isOurs(putting, stated, options.signal))) {
    await removeObject(bucket, key, options.signal)
    throw new Fault(
      'object-corrupt',
      `${bucket.settings.location} holds other bytes at ${key} than were sent`,
      {
        retry: true,
      },
    )
  }
  return { bytes: putting.bytes, sha256: putting.sha256.copy().digest('hex') }
}

/** By the digest that Google made of what it holds; where it states none, by reading it back. */
async function isOurs(putting: Putting, { size, md5Hash }: Resource, signal: AbortSignal): Promise<boolean> {
  if (Number(size) !== putting.bytes) return false
  if (md5Hash !== undefined) return md5Hash === putting.md5.copy().digest('base64')
  return (await readBack(putting.bucket, putting.key, signal)) === putting.sha256.copy().digest('hex')
}
