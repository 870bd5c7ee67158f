import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../core/faults.ts'
import type { Artifact } from '../core/model.ts'
import type { Storage } from '../storages/storage.ts'
import { createFileSpool } from '../sys/spool.ts'
import { findBackup } from './catalogue.ts'
import { storageOf, type EngineContext } from './context.ts'
import { makeRunFolder } from './folders.ts'
import { fetchVerified } from './objects.ts'
import { chainOf, rawInput, spoolPath } from './pipeline.ts'
import { newRunId } from './restore/requests.ts'

/** Writes a backup's file to `sink`: fetched and verified whole first, so that no wrong byte is handed out. */
export async function handOut(
  context: EngineContext,
  backupId: string,
  options: { decompress: boolean; signal: AbortSignal; sink: Writable },
): Promise<void> {
  const stored = await goodCopy(context, backupId)
  const id = newRunId(context)
  const folder = await makeRunFolder(context, id)
  const { signal } = options
  const spool = await createFileSpool(spoolPath(folder, stored.artifact.name), context.clock)
  try {
    await fetchVerified(stored.storage, stored.artifact, { into: spool, onBytes: () => undefined, signal })
    const said = (tool: string, line: string): void => context.log.warn('a tool said', { tool, line })
    const tools = { processes: context.processes, running: { signal, runId: id, said } }
    const raw = join(folder, 'raw')
    if (options.decompress)
      await rawInput(spool, chainOf(stored.artifact.filters, context.filters), tools).intoFile(raw)
    const file = createReadStream(options.decompress ? raw : spool.path)
    await pipeline(file, options.sink, { signal, end: false })
  } finally {
    await spool.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function goodCopy(
  context: EngineContext,
  backupId: string,
): Promise<{ storage: Storage; artifact: Artifact }> {
  const { copies } = await findBackup(context, backupId, null)
  const copy = copies.find(({ corrupt, storage }) => corrupt === null && context.storages.has(storage))
  if (!copy)
    throw new Fault('object-corrupt', `no good copy of ${backupId} is left`, {
      hint: '`list` shows which backups are good',
    })
  const [artifact] = copy.manifest.artifacts
  if (!artifact) throw new Fault('object-missing', `${backupId} holds no file`)
  return { storage: storageOf(context, copy.storage), artifact }
}
