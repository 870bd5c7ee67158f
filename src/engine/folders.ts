import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asFault, Fault } from '../core/faults.ts'
import { fileFault, privateFolder } from '../sys/files.ts'
import { endStrays, isAlive, type Identity } from '../sys/strays.ts'
import { runFolder, type EngineContext } from './context.ts'
import { TempFull } from './temp-room.ts'
import { keptMs, readWhole } from './whole.ts'

const ownerName = 'owner.json'
const ours = /^(r\d{12}[a-z0-9]{4}|plan-[a-z0-9-]+)$/
const unclaimedMs = 60 * 60_000 // a folder without an owner is of somebody who is just making it, or who died while doing so

/** Makes the private folder of a run or plan, and says in it who uses it: temp_dir may be shared with other installations.
 * @throws Fault disk-full · disk-failed */
export async function makeRunFolder(context: EngineContext, runId: string): Promise<string> {
  const folder = runFolder(context, runId)
  try {
    await privateFolder(folder)
    await writeFile(join(folder, ownerName), JSON.stringify(context.self), { mode: 0o600 })
    return folder
  } catch (error) {
    if (error instanceof Fault && error.cause === undefined) throw error // whose folder it is, or what is in its place
    throw unusable(context.config.tempDir, asFault(fileFault(error, 'no file can be made there')))
  }
}

/** People set temp_dir, and not the folders that we make in it. */
function unusable(tempDir: string, fault: Fault): Fault {
  if (fault.code === 'disk-full') return new TempFull(tempDir, fault)
  return new Fault(fault.code, `temp_dir ${tempDir} cannot be written`, {
    hint: 'let this user write there, or point temp_dir to another folder',
    cause: fault,
  })
}

/** Removes the folders that dead processes left: spools, credential files, scratch copies, typed passphrases, and ends what still
 * works for them. A whole dump stays for as long as it may be sent again, whoever made it.
 * @param dead    runs of which nobody is left and that do not go on, whatever their folder says
 * @param spared  runs whose end somebody else sees to */
export async function removeStrayFolders(
  context: EngineContext,
  dead: ReadonlySet<string>,
  spared: ReadonlySet<string> = new Set(),
): Promise<void> {
  const { tempDir } = context.config
  const names = await readdir(tempDir).catch(() => [])
  const strays: string[] = []
  for (const name of names.filter((entry) => ours.test(entry) && !spared.has(entry)))
    if (dead.has(name) || (await isStray(context, join(tempDir, name)))) strays.push(name)
  if (strays.length === 0) return
  await endStrays(new Set(strays), context.clock) // an agent with a private key outlives the command that it was for
  for (const name of strays) await rm(join(tempDir, name), { recursive: true, force: true })
}

async function isStray(context: EngineContext, folder: string): Promise<boolean> {
  const owner = await ownerOf(folder)
  if (owner && isAlive(owner)) return false
  const whole = await readWhole(folder)
  if (whole && context.clock.now() < (whole.until ?? whole.at + keptMs)) return false
  if (owner) return true
  const found = await stat(folder).catch(() => null)
  return found !== null && context.clock.now() - found.mtimeMs > unclaimedMs
}

async function ownerOf(folder: string): Promise<Identity | null> {
  try {
    return JSON.parse(await readFile(join(folder, ownerName), 'utf8')) as Identity
  } catch {
    return null
  }
}
