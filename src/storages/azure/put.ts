import { createHash } from 'node:crypto'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { createTally, sha256Of, type Tally } from '../wrap/digests.ts'
import { sendInParts } from '../wrap/parts.ts'
import { beginPut, commitOnce, endOrSay, type Uncertain } from '../wrap/unsure.ts'
import { blockId, blocksOf, endUpload, nameUpload, type Block } from './blocks.ts'
import type { Container } from './client.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { getObject, lookAt } from './look.ts'
import { removeObject } from './remove.ts'

/** One object on its way. */
interface Putting {
  container: Container
  key: string
  options: PutOptions
  whole: Tally
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
  const putting: Putting = { container, key, options, whole: createTally(), blocks: null }
  const { first, isWhole } = await beginPut(uncertain(putting), spool, container.limits.blockBytes)
  return isWhole ? putWhole(putting, first) : putInBlocks(putting, spool, first)
}

function uncertain(putting: Putting): Uncertain {
  const { container, key, options } = putting
  return {
    place: container,
    key,
    options,
    look: (signal) => lookAt(container, key, signal),
    isOurs: (signal) => isOurs(putting, signal),
    remove: (signal) => removeObject(container, key, signal),
    answered,
    mayHaveWorked,
  }
}

async function putWhole(putting: Putting, body: Buffer): Promise<Receipt> {
  const { container, key, options } = putting
  putting.whole.take(body)
  const blobHTTPHeaders = { blobContentMD5: putting.whole.md5() }
  const receipt = await commit(putting, (onRetry) =>
    container.callBlob(
      { what: `storing ${key}`, right: 'create', signal: options.signal, key, onRetry },
      (blob, http) => blob.upload(body, body.length, { ...http, ...conditionsOf(options), blobHTTPHeaders }),
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
      onSent: options.onState,
      send({ number, body, signal }) {
        const name = blockId(upload, number)
        putting.whole.take(body)
        blocks.push({ name, size: body.length })
        return stage(putting, { name, body, signal })
      },
    })
    const blobHTTPHeaders = { blobContentMD5: putting.whole.md5() }
    const names = blocks.map(({ name }) => name)
    const receipt = await commit(putting, (onRetry) =>
      container.callBlob(
        { what: `completing ${key}`, right: 'create', signal: options.signal, key, onRetry },
        (blob, http) => blob.commitBlockList(names, { ...http, ...conditionsOf(options), blobHTTPHeaders }),
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
  { name, body, signal }: { name: string; body: Buffer; signal: AbortSignal },
): Promise<void> {
  const transactionalContentMD5 = createHash('md5').update(body).digest()
  await container.callBlob({ what: `storing a part of ${key}`, right: 'create', signal, key }, (blob, http) =>
    blob.stageBlock(name, body, body.length, { ...http, transactionalContentMD5 }),
  )
}

interface Stated {
  contentMD5?: Uint8Array
}

async function commit(
  putting: Putting,
  send: (onRetry: (error: unknown) => void) => Promise<Stated>,
): Promise<Receipt> {
  await commitOnce(uncertain(putting), { send, confirms: (stated) => confirms(putting, stated) })
  return putting.whole.receipt()
}

/** Who may only write cannot look: then Azure's word for each block, and for the list of them, has to do. */
async function confirms(putting: Putting, { contentMD5 }: Stated): Promise<boolean> {
  const { whole, blocks, options } = putting
  if (blocks === null && contentMD5 && whole.md5().equals(contentMD5)) return true
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
  return (await sha256Of(await getObject(container, key, { signal }))) === whole.sha256()
}
