import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Encryption } from '../core/encryption.ts'
import { Fault } from '../core/faults.ts'
import type { Artifact, Manifest } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import type { Filter } from '../filters/filter.ts'
import { createFileSpool, type FileSpool } from '../sys/spool.ts'
import { findBackup } from './catalogue.ts'
import type { EngineContext } from './context.ts'
import { checkManifest, fromAnyPlace } from './copies.ts'
import { makeRunFolder } from './folders.ts'
import { fetchVerified } from './objects.ts'
import { decodingChain } from './chain.ts'
import { rawInput, spoolPath } from './pipeline.ts'
import { encryptedHow, keysToRead } from './reading-keys.ts'
import { newRunId } from './restore/requests.ts'

export interface HandingOut {
  decrypt?: boolean
  /** Of an encrypted one only together with `decrypt`. */
  decompress: boolean
  /** A file with the private key or the passphrase; null = as configured. */
  keyFile?: string | null
  /** Which file, by its name; null = the only one. */
  file: string | null
  signal: AbortSignal
  sink: Writable
}

/** Writes a backup's file to `sink`: fetched and verified whole first, so that no wrong byte is handed out.
 * @returns which copies were passed over */
export async function handOut(
  context: EngineContext,
  backupId: string,
  options: HandingOut,
): Promise<string[]> {
  const { copies } = await findBackup(context, backupId, null)
  const { signal } = options
  const undoing = await undoingOf(context, copies[0]!.manifest, options)
  const id = newRunId(context)
  const folder = await makeRunFolder(context, id)
  try {
    const fetched = await fromAnyPlace(
      context,
      { backup: backupId, copies, signal },
      async (copy, storage) => {
        await checkManifest(storage, copy, signal)
        const artifact = wantedFile(copy.manifest, options.file)
        await rm(spoolPath(folder, artifact.name), { force: true }) // of a copy that was passed over
        const spool = await createFileSpool(spoolPath(folder, artifact.name), context.clock)
        try {
          await fetchVerified(storage, artifact, { into: spool, onBytes: () => undefined, signal })
          return { artifact, spool }
        } catch (error) {
          await spool.close()
          throw error
        }
      },
    )
    await pass(context, { ...fetched.value, undoing, id, folder }, options).finally(() =>
      fetched.value.spool.close(),
    )
    return fetched.passedOver
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is undone of a file before it is handed out. */
interface Undoing {
  keys: Encryption | null
  isUndone(filter: Filter): boolean
}

/** Known before a byte is fetched. @throws Fault usage · key-missing · key-wrong */
async function undoingOf(
  context: EngineContext,
  { id, strategy, encryption }: Manifest,
  { decrypt = false, decompress, keyFile = null }: HandingOut,
): Promise<Undoing> {
  if (encryption && decompress && !decrypt)
    throw new Fault('usage', `${id} is ${encryptedHow(encryption)}: it cannot be decompressed as it is`, {
      hint: 'add --decrypt',
    })
  const { strategies } = context.config
  const own = strategies.filter(({ name }) => name === strategy)
  const keys = decrypt ? await keysToRead(encryption, [...own, ...strategies], keyFile) : null
  return { keys, isUndone: ({ role }) => (role === 'encryption' ? decrypt : decompress) }
}

interface Fetched {
  artifact: Artifact
  spool: FileSpool
  undoing: Undoing
  id: string
  folder: string
}

async function pass(
  context: EngineContext,
  { artifact, spool, undoing, id, folder }: Fetched,
  { signal, sink }: HandingOut,
): Promise<void> {
  const said = (tool: string, line: string): void => context.log.warn('a tool said', { tool, line })
  const tools = { processes: context.processes, running: { signal, runId: id, said }, folder }
  const kinds = artifact.filters.filter((kind) =>
    context.filters.some((filter) => filter.kind === kind && undoing.isUndone(filter)),
  )
  if (kinds.length === 0) return pipeline(createReadStream(spool.path), sink, { signal, end: false })
  const raw = join(folder, 'raw')
  await rawInput(spool, decodingChain(context.filters, kinds, undoing.keys), tools).intoFile(raw)
  const file = await open(raw)
  await rm(raw) // who takes it may be slow, and a kill leaves no plaintext
  await pipeline(file.createReadStream(), sink, { signal, end: false })
}

/** @param name  null = the only dump. @throws Fault not-found · usage · object-missing */
export function wantedFile(manifest: Manifest, name: string | null): Artifact {
  const { id, artifacts } = manifest
  const objects = objectsOf(manifest)
  const names = objects.map((artifact) => artifact.name).join(', ')
  if (name !== null) {
    const found = objects.find((artifact) => artifact.name === name)
    if (found) return found
    throw new Fault('not-found', `${id} holds no file ${name.slice(0, 100)}`, { hint: `it holds ${names}` })
  }
  const [only, ...more] = artifacts
  if (!only) throw new Fault('object-missing', `${id} holds no file`)
  if (more.length === 0) return only
  throw new Fault('usage', `${id} holds ${artifacts.length} files`, {
    hint: `name one with --file: ${names}`,
  })
}
