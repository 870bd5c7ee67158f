import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { beginPut } from '../wrap/unsure.ts'
import type { Bucket } from './client.ts'
import { asked, commit, uncertain, type Putting } from './commit.ts'
import { createDigests } from './digests.ts'
import { putInParts } from './multipart.ts'

/** A small object by one request, everything else in parts while the spool grows. */
export async function putObject(
  bucket: Bucket,
  key: string,
  { spool, options }: { spool: Spool; options: PutOptions },
): Promise<Receipt> {
  const { settings } = bucket
  const name = { Bucket: settings.bucket, Key: settings.prefix + key }
  const putting: Putting = { bucket, key, name, digests: createDigests(settings.checksums), options }
  const { first, isWhole } = await beginPut(uncertain(putting, false), spool, settings.partBytes)
  return isWhole ? putWhole(putting, first) : putInParts(putting, spool, first)
}

async function putWhole(putting: Putting, body: Buffer): Promise<Receipt> {
  const { bucket, name, digests, options } = putting
  const input = { ...name, Body: body, ...digests.add(body), ...asked(bucket) }
  const calling = { what: `storing ${putting.key}`, right: 's3:PutObject', signal: options.signal }
  const receipt = await commit(putting, {
    inParts: false,
    send: (condition, onRetry) =>
      bucket.call({ ...calling, onRetry }, (s3, http) => s3.putObject({ ...input, ...condition }, http)),
  })
  options.onState?.(receipt.bytes)
  return receipt
}
