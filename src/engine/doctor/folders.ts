import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { passed, type Check } from '../../core/checks.ts'
import { formatBytes } from '../../core/duration.ts'
import { asFault } from '../../core/faults.ts'
import { suffix } from '../../core/keys.ts'
import { fileFault, freeBytes, privateFolder, writeAll } from '../../sys/files.ts'
import { newestGood } from '../../state/catalogue.ts'
import type { EngineContext } from '../context.ts'

const triedBytes = 1024 * 1024
const scarceBytes = 256 * 1024 * 1024 // less is no room for a database of any size

/** The folders of this machine: can they be written, and is there room for the largest backup? */
export async function checkFolders(context: EngineContext): Promise<Check[]> {
  const { tempDir, stateDir } = context.config
  const needed = await largestBackup(context)
  return Promise.all([
    checkFolder(context, { name: 'temp_dir', folder: tempDir, needed }),
    checkFolder(context, { name: 'state_dir', folder: stateDir, needed: 0 }),
  ])
}

interface Folder {
  name: string
  folder: string
  /** Bytes that it will have to take. */
  needed: number
}

async function checkFolder(context: EngineContext, { name, folder, needed }: Folder): Promise<Check> {
  try {
    await privateFolder(folder)
    await writeSome(join(folder, `easy-backup-check-${suffix(() => context.clock.random())}`))
    const free = await freeBytes(folder)
    if (free >= Math.max(needed, scarceBytes)) return passed(name, `${folder}: ${formatBytes(free)} free`)
    const isShort = free < needed
    return {
      name,
      state: isShort ? 'failed' : 'warning',
      text: `${folder}: only ${formatBytes(free)} free${isShort ? `; the largest backup needs ${formatBytes(needed)}` : ''}`,
      hint: `free some space, or point ${name} to a larger disk`,
    }
  } catch (error) {
    const fault = asFault(fileFault(error, 'it cannot be written'))
    const text = fault.message.includes(folder) ? fault.message : `${folder}: ${fault.message}`
    return { name, state: 'failed', text, hint: hintFor(fault.code, { name, folder }) }
  }
}

function hintFor(code: string, { name, folder }: Pick<Folder, 'name' | 'folder'>): string {
  if (code === 'disk-full') return `free some space, or point ${name} to a larger disk`
  return `let this user write to ${folder}, or point ${name} to another folder`
}

/** A full disk shows only when something is written. */
async function writeSome(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await writeAll(file, Buffer.alloc(triedBytes, 1), 0)
    await file.sync()
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

/** The spool of a dump has the size of its backup. */
async function largestBackup({ config, database }: EngineContext): Promise<number> {
  const newest = await Promise.all(config.strategies.map(({ name }) => newestGood(database.read, name, null)))
  return Math.max(0, ...newest.map((copy) => copy?.manifest.storedBytes ?? 0))
}
