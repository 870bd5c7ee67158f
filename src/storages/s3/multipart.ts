import type { CompletedPart } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import type { Spool } from '../../sys/spool.ts'
import type { Receipt } from '../storage.ts'
import type { Bucket, Calling } from './client.ts'
import { asked, commit, uncertain, type Putting } from './commit.ts'
import { nextPartBytes, partsAtOnce } from '../wrap/part-size.ts'
import { endOrSay, refuseTaken } from '../wrap/unsure.ts'
import { endUpload, uploadsAt } from './uploads.ts'

/** An upload in parts. Whatever happens, it is either complete or ended, as far as the server lets us (promise 7). */
export async function putInParts(putting: Putting, spool: Spool, first: Buffer): Promise<Receipt> {
  const { bucket, name, key, options, digests } = putting
  const upload = await begin(putting)
  const put = uncertain(putting, true)
  const giveUp = (): Promise<void> => endOrSay(put, (signal) => endUpload(bucket, { key, upload }, signal))
  let parts: CompletedPart[]
  try {
    await options.onUpload?.(upload)
    parts = await sendParts(putting, upload, { spool, first })
    await refuseTaken(put)
  } catch (error) {
    await giveUp()
    throw error
  }
  const crc = digests.crc32()
  const input = {
    ...name,
    UploadId: upload,
    MultipartUpload: { Parts: parts },
    ...(crc !== null && { ChecksumCRC32: crc, ChecksumType: 'FULL_OBJECT' as const }),
  }
  const calling = { what: `completing ${key}`, right: 's3:PutObject', signal: options.signal }
  const receipt = await commit(putting, {
    inParts: true,
    giveUp,
    send: (condition, onRetry) =>
      bucket.call({ ...calling, onRetry }, (s3, http) =>
        s3.completeMultipartUpload({ ...input, ...condition }, http),
      ),
  })
  await options.onUpload?.(null)
  return receipt
}

/** A lost answer leaves an upload whose id nobody knows: it is found by its key, which is ours alone. */
async function begin({ bucket, name, key, options }: Putting): Promise<string> {
  let unsure = false
  const calling: Calling = { what: `storing ${key}`, right: 's3:PutObject', signal: options.signal }
  const checksum = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const
  const input = { ...name, ...asked(bucket), ...(bucket.settings.checksums && checksum) }
  try {
    const { UploadId } = await bucket.call({ ...calling, onRetry: () => (unsure = true) }, (s3, http) =>
      s3.createMultipartUpload(input, http),
    )
    if (unsure) await endOthers(bucket, key, UploadId!)
    return UploadId!
  } catch (error) {
    if (unsure || options.signal.aborted) await endOthers(bucket, key, null)
    throw error
  }
}

async function endOthers(bucket: Bucket, key: string, own: string | null): Promise<void> {
  const signal = AbortSignal.timeout(bucket.limits.endMs)
  try {
    for await (const open of uploadsAt(bucket, key, signal))
      if (open.key === key && open.upload !== own) await endUpload(bucket, open, signal)
  } catch (error) {
    bucket.log.warn('unfinished uploads could not be looked for', { key, error: String(error) })
  }
}

/** Reads the spool once, in order; parts are sent beside that, a failure of any ends all. */
async function sendParts(
  putting: Putting,
  upload: string,
  { spool, first }: { spool: Spool; first: Buffer },
): Promise<CompletedPart[]> {
  const { bucket, digests, options } = putting
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const parts: CompletedPart[] = []
  const flying = new Set<Promise<void>>()
  const rooms = createRooms()
  let sent = 0

  function send(number: number, body: Buffer, room: Buffer): void {
    const digest = digests.add(body)
    const flight = uploadPart(putting, { upload, number, body, digest, signal }).then(
      (part) => {
        parts[number - 1] = part
        rooms.free(room)
        options.onState?.((sent += body.length))
      },
      (error: unknown) => failed.abort(error),
    )
    flying.add(flight)
    void flight.then(() => flying.delete(flight))
  }

  try {
    let body = first
    let room: Buffer = Buffer.alloc(0) // the first was made by who read it
    for (let number = 1; body.length > 0;) {
      send(number++, body, room)
      const state = { number, offset: digests.bytes, size: await spool.size(), ended: spool.ended() }
      const bytes = nextPartBytes(state, bucket.settings.partBytes, bucket.limits.maxParts)
      while (flying.size >= partsAtOnce(bytes)) await Promise.race(flying)
      room = rooms.take(bytes)
      body = await spool.read(digests.bytes, room, signal)
    }
  } finally {
    if (signal.aborted || parts.length === 0) failed.abort(signal.reason)
    await Promise.all(flying)
  }
  signal.throwIfAborted()
  return parts
}

/** Parts share the memory of those that are there already: a new buffer of megabytes for each makes V8 collect all of its heap. */
function createRooms(): { take(bytes: number): Buffer; free(room: Buffer): void } {
  const empty: Buffer[] = []
  return {
    take(bytes) {
      const room = empty.pop()
      return room?.length === bytes ? room : Buffer.allocUnsafeSlow(bytes)
    },
    free: (room) => void empty.push(room),
  }
}

interface OnePart {
  upload: string
  number: number
  body: Buffer
  digest: { ContentMD5: string } | { ChecksumCRC32: string }
  signal: AbortSignal
}

async function uploadPart({ bucket, key, name }: Putting, part: OnePart): Promise<CompletedPart> {
  const { upload, number, body, digest, signal } = part
  const calling = { what: `storing part ${number} of ${key}`, right: 's3:PutObject', signal }
  const input = { ...name, UploadId: upload, PartNumber: number, Body: body, ...digest }
  const { ETag } = await bucket.call(calling, (s3, http) => s3.uploadPart(input, http))
  if (ETag === undefined)
    throw new Fault('storage-unreachable', `${calling.what} was answered without an ETag`)
  return { PartNumber: number, ETag, ...('ChecksumCRC32' in digest && digest) }
}
