import { createHash } from 'node:crypto'
import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Fault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { Manifest } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { followSpool, openFileSpool, type FileSpool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'
import { readManifest } from './manifest.ts'
import { spoolPath } from './pipeline.ts'
import type { Pulse } from './pulse.ts'

const wholeName = 'whole.json'

/** How long a dump that no place took is kept (product §3): a person can mend the place and press Retry. */
export const keptMs = 24 * 60 * 60_000

/** Beside spools that are whole and proved: all that sending them needs, also after a crash. */
export interface WholeDump {
  schema: 1
  /** The run whose folder this is. */
  run: string
  manifest: Manifest
  warnings: string[]
  /** Names the keys that it is encrypted with (decrypt-test.ts); absent = it is not encrypted. */
  keys?: string
  /** What was counted, in total; null = nothing was. The manifest of an encrypted backup does not say it. */
  counted?: { tables: number; rows: number } | null
  dumpMs: number
  /** When it became whole, epoch ms. */
  at: number
  /** Kept for a person until then; null while its run goes on. */
  until: number | null
  /** How often its run went on after a crash. */
  resumes: number
}

/** Written under another name first: it is there whole or not at all. A power cut may lose it; the digests tell.
 * Nothing else stays in the folder: passwords and scratch copies were for the dump (promise 14). */
export async function writeWhole(folder: string, whole: WholeDump): Promise<void> {
  const path = join(folder, wholeName)
  await writeFile(`${path}.new`, JSON.stringify(whole), { mode: 0o600 })
  await rename(`${path}.new`, path)
  const spools = objectsOf(whole.manifest).map(({ name }) => basename(spoolPath(folder, name)))
  for (const name of await readdir(folder))
    if (!name.endsWith('.json') && !spools.includes(name)) await rm(join(folder, name), { recursive: true })
}

/** null when there is none, or its spools are not all there in full length. */
export async function readWhole(folder: string): Promise<WholeDump | null> {
  try {
    const whole = JSON.parse(await readFile(join(folder, wholeName), 'utf8')) as WholeDump
    readManifest(JSON.stringify(whole.manifest), folderOfDump(whole.manifest) + manifestName)
    for (const { name, storedBytes } of objectsOf(whole.manifest))
      if ((await stat(spoolPath(folder, name))).size !== storedBytes) return null
    return whole.schema === 1 ? whole : null
  } catch {
    return null // whoever finds nothing to go on with makes a new dump
  }
}

/** Where in a storage its objects lie, ending in '/'. */
export function folderOfDump({ artifacts }: Manifest): string {
  const [first] = artifacts
  return first ? first.key.slice(0, first.key.lastIndexOf('/') + 1) : '/'
}

/** The spools of a whole dump, each read and compared with its digest before a byte of it is sent.
 * @throws Fault object-corrupt */
export async function openWhole(
  context: EngineContext,
  folder: string,
  { whole, pulse, signal }: { whole: WholeDump; pulse: Pulse; signal: AbortSignal },
): Promise<Map<string, FileSpool>> {
  const spools = new Map<string, FileSpool>()
  try {
    for (const { name, sha256 } of objectsOf(whole.manifest)) {
      const spool = await openFileSpool(spoolPath(folder, name), context.clock)
      spools.set(name, spool)
      if ((await digestOf(spool, { pulse, signal })) !== sha256)
        throw new Fault('object-corrupt', `the kept dump ${name} is not what was written`, {
          hint: 'check the disk that holds temp_dir',
        })
    }
    return spools
  } catch (error) {
    for (const spool of spools.values()) await spool.close()
    throw error
  }
}

/** Lower-case hex SHA-256 of a complete spool. */
export async function digestOf(
  spool: FileSpool,
  { pulse, signal }: { pulse: Pulse; signal: AbortSignal },
): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of followSpool(spool, signal)) {
    hash.update(chunk as Buffer)
    pulse.moved('digest', (bytes += (chunk as Buffer).length))
  }
  return hash.digest('hex')
}

/** What cannot be sent must not stand in the way of a new dump of the same run. */
export async function removeWhole(folder: string, { manifest }: WholeDump): Promise<void> {
  await rm(join(folder, wholeName), { force: true })
  for (const { name } of objectsOf(manifest)) await rm(spoolPath(folder, name), { force: true })
}
