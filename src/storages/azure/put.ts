import { createHash, type Hash } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { sendInParts } from '../wrap/parts.ts'
import { commitOnce, endOrSay, refuseTaken, type Uncertain } from '../wrap/unsure.ts'
import { blockId, blocksOf, endUpload, nameUpload, type Block } from './blocks.ts'
import type { Container } from './client.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { lookAt, readBack } from './look.ts'
import { removeObject } from './remove.ts'

/** One object on its way. */
interface Putting {
  container: Container
  key: string
  options: PutOptions
  whole: { sha256: Hash; md5: Hash; bytes: number }
  /** Blocks in their order; null = the object goes in one request. */
  blocks: Block[] | null
}

const maxBlocks = 50_000 // Azure's own limit for a blob

/** A small object by one request, everything else in blocks while the spool grows. */
export async function putObject(
  container: Container,
  key: string,
  { spool, options }: { spool: Spool; options: PutOptions },
): Promise<Receipt> {
  options.signal.throwIfAborted()
  const whole = { sha256: createHash('sha256'), md5: createHash('md5'), bytes: 0 }
  const putting: Putting = { container, key, options, whole, blocks: null }
  await refuseTaken(uncertain(putting))
  const { blockBytes } = container.limits
  const first = await spool.read(0, blockBytes, options.signal)
  const isWhole = first.length < blockBytes || (spool.ended() && (await spool.size()) === first.length)
  return isWhole ? putWhole(putting, first) : putInBlocks(putting, spool, first)
}

function uncertain(putting: Putting): Uncertain {
  const { container, key, options } = putting
  return {
    key,
    options,
    log: container.log,
    endMs: container.limits.endMs,
    look: (signal) => lookAt(container, key, signal),
    isOurs: (signal) => isOurs(putting, signal),
    remove: (signal) => removeObject(container, key, signal),
    isDenied: (error) => answered(error, 403),
    mayHaveWorked,
  }
}

function take({ whole }: Putting, body: Buffer): void {
  whole.sha256.update(body)
  whole.md5.update(body)
  whole.bytes += body.length
}

async function putWhole(putting: Putting, body: Buffer): Promise<Receipt> {
  const { container, key, options } = putting
  take(putting, body)
  const md5 = putting.whole.md5.copy().digest()
  const receipt = await commit(putting, (onRetry) =>
    container.callBlob(
      { what: `storing ${key}`, right: 'create', signal: options.signal, key, onRetry },
      (blob, http) =>
        blob.upload(body, body.length, {
          ...http,
          ...conditionsOf(options),
          blobHTTPHeaders: { blobContentMD5: md5 },
        }),
    ),
  )
  options.onState?.(receipt.bytes)
  return receipt
}

const conditionsOf = ({ ifAbsent }: PutOptions) => (ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {})

/** The upload is named before its first block: whoever finds it after a crash can end it (promise 7). */
async function putInBlocks(putting: Putting, spool: Spool, first: Buffer): Promise<Receipt> {
  const { container, key, options } = putting
  const upload = nameUpload(container)
  const blocks: Block[] = (putting.blocks = [])
  await options.onUpload?.(upload)
  try {
    await sendInParts({
      spool,
      first,
      partBytes: container.limits.blockBytes,
      maxParts: maxBlocks,
      signal: options.signal,
      onPart(body) {
        take(putting, body)
        blocks.push({ name: blockId(upload, blocks.length + 1), size: body.length })
      },
      onSent: options.onState,
      send: ({ number, body, signal }) => stage(putting, { id: blockId(upload, number), body, signal }),
    })
    const md5 = putting.whole.md5.copy().digest()
    const names = blocks.map(({ name }) => name)
    const receipt = await commit(putting, (onRetry) =>
      container.callBlob(
        { what: `completing ${key}`, right: 'create', signal: options.signal, key, onRetry },
        (blob, http) =>
          blob.commitBlockList(names, {
            ...http,
            ...conditionsOf(options),
            blobHTTPHeaders: { blobContentMD5: md5 },
          }),
      ),
    )
    await options.onUpload?.(null)
    return receipt
  } catch (error) {
    await endOrSay(uncertain(putting), (signal) => endUpload(container, { key, upload }, signal))
    throw error
  }
}

/** Azure compares each block with its MD5 before it takes it. */
async function stage(
  { container, key }: Putting,
  { id, body, signal }: { id: string; body: Buffer; signal: AbortSignal },
): Promise<void> {
  const transactionalContentMD5 = createHash('md5').update(body).digest()
  await container.callBlob({ what: `storing a part of ${key}`, right: 'create', signal, key }, (blob, http) =>
    blob.stageBlock(id, body, body.length, { ...http, transactionalContentMD5 }),
  )
}

interface Stated {
  contentMD5?: Uint8Array
}

/** Makes the object visible, and returns only when Azure holds what we sent (promise 2). */
async function commit(
  putting: Putting,
  send: (onRetry: (error: unknown) => void) => Promise<Stated>,
): Promise<Receipt> {
  const { container, key, options, whole } = putting
  const stated = await commitOnce(uncertain(putting), send)
  if (stated !== null && !(await isConfirmed(putting, stated))) {
    await removeObject(container, key, options.signal)
    throw new Fault(
      'object-corrupt',
      `${container.settings.location} holds other bytes at ${key} than were sent`,
      { retry: true },
    )
  }
  return { bytes: whole.bytes, sha256: whole.sha256.copy().digest('hex') }
}

/** Who may only write cannot look: then Azure's word for each block, and for the list of them, has to do. */
async function isConfirmed(putting: Putting, { contentMD5 }: Stated): Promise<boolean> {
  const { whole, blocks, options } = putting
  if (blocks === null && contentMD5 && whole.md5.copy().digest().equals(contentMD5)) return true
  try {
    return await isOurs(putting, options.signal)
  } catch (error) {
    if (blocks !== null && answered(error, 403)) return true
    throw error
  }
}

/** By the blocks it is made of, each of which was compared when it came; else by reading it back: the MD5 that Azure states of an
 * object in blocks is only what we said ourselves. */
async function isOurs(putting: Putting, signal: AbortSignal): Promise<boolean> {
  const { container, key, whole, blocks } = putting
  const found = await lookAt(container, key, signal)
  if (found?.contentLength !== whole.bytes) return false
  if (blocks !== null) {
    const { object } = await blocksOf(container, key, signal)
    return (
      object.length === blocks.length &&
      object.every(({ name, size }, at) => name === blocks[at]!.name && size === blocks[at]!.size)
    )
  }
  return (await readBack(container, key, signal)) === whole.sha256.copy().digest('hex')
}
