import type { CompletedPart } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import type { Spool } from '../../sys/spool.ts'
import type { Receipt } from '../storage.ts'
import type { Calling } from '../wrap/retry.ts'
import type { Bucket } from './client.ts'
import { asked, commit, uncertain, type Putting } from './commit.ts'
import { sendInParts } from '../wrap/parts.ts'
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

async function sendParts(
  putting: Putting,
  upload: string,
  { spool, first }: { spool: Spool; first: Buffer },
): Promise<CompletedPart[]> {
  const { bucket, digests, options } = putting
  const parts: CompletedPart[] = []
  await sendInParts({
    spool,
    first,
    partBytes: bucket.settings.partBytes,
    maxParts: bucket.limits.maxParts,
    signal: options.signal,
    onSent: options.onState,
    async send({ number, body, signal }) {
      const digest = digests.add(body)
      parts[number - 1] = await uploadPart(putting, { upload, number, body, digest, signal })
    },
  })
  return parts
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
