import { randomUUID } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { createTally, sha256Of, type Tally } from '../wrap/digests.ts'
import { beginPut, commitOnce, endOrSay, type Uncertain } from '../wrap/unsure.ts'
import { uploadUrlOf, type Bucket } from './client.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { getObject, lookAt, resourceOf, type Resource } from './look.ts'
import { removeObject } from './remove.ts'
import { beginSession, endSession, sendChunk, type Session } from './resumable.ts'

/** One object on its way. */
interface Putting {
  bucket: Bucket
  key: string
  options: PutOptions
  whole: Tally
}

/** A small object by one request, everything else chunk by chunk while the spool grows. */
export async function putObject(
  bucket: Bucket,
  key: string,
  { spool, options }: { spool: Spool; options: PutOptions },
): Promise<Receipt> {
  const putting: Putting = { bucket, key, options, whole: createTally() }
  const { first, isWhole } = await beginPut(uncertain(putting), spool, bucket.limits.chunkBytes)
  return isWhole ? putWhole(putting, first) : putInChunks(putting, spool, first)
}

function uncertain(putting: Putting): Uncertain {
  const { bucket, key, options } = putting
  return {
    place: bucket,
    key,
    options,
    look: (signal) => lookAt(bucket, key, signal),
    async isOurs(signal) {
      const found = await lookAt(bucket, key, signal)
      return found !== null && isOurs(putting, found, signal)
    },
    remove: (signal) => removeObject(bucket, key, signal),
    answered,
    mayHaveWorked,
  }
}

/** Google compares it with its MD5 before it takes it. */
async function putWhole(putting: Putting, body: Buffer): Promise<Receipt> {
  const { bucket, key, options } = putting
  const { settings } = bucket
  putting.whole.take(body)
  const boundary = randomUUID()
  const description = { name: settings.prefix + key, md5Hash: putting.whole.md5().toString('base64') }
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
    putting.whole.take(chunk)
    const next = spool.read(at + chunk.length, rooms[turn % 2]!, options.signal)
    next.catch(() => {}) // told when its turn comes
    await sendChunk(session, { bytes: chunk, at, isLast: false })
    at += chunk.length
    options.onState?.(at)
    chunk = await next
  }
  putting.whole.take(chunk)
  return { last: chunk, at }
}

async function confirmed(
  putting: Putting,
  send: (onRetry: (error: unknown) => void) => Promise<Resource>,
): Promise<Receipt> {
  const { signal } = putting.options
  await commitOnce(uncertain(putting), { send, confirms: (stated) => isOurs(putting, stated, signal) })
  return putting.whole.receipt()
}

/** By the digest that Google made of what it holds; where it states none, by reading it back. */
async function isOurs(
  { bucket, key, whole }: Putting,
  { size, md5Hash }: Resource,
  signal: AbortSignal,
): Promise<boolean> {
  if (Number(size) !== whole.bytes) return false
  if (md5Hash !== undefined) return md5Hash === whole.md5().toString('base64')
  return (await sha256Of(await getObject(bucket, key, { signal }))) === whole.sha256()
}
