import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { newAgeIdentity } from '../../src/core/age-keys.ts'
import type { RunView } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { person, type World } from './world.ts'

export interface KeyPair {
  recipient: string
  /** With the private half. */
  file: string
}

export function makeKey(folder: string, name: string): KeyPair {
  const { secret, recipient } = newAgeIdentity()
  const file = join(folder, `${name}.txt`)
  writeFileSync(file, `# ${name}\n${secret}\n`, { mode: 0o600 })
  return { recipient, file }
}

/** Of age, with a test that nobody has to make. */
export function toRecipients(...keys: KeyPair[]): Record<string, unknown> {
  return { type: 'age', recipients: keys.map(({ recipient }) => recipient), waive_decrypt_test: true }
}

export async function restore(world: World, ask: Partial<RestoreAsk>): Promise<RunView> {
  const plain = { strategy: null, targetDb: null, targetUrl: null, noOwner: false, reason: null }
  const request = await world.engine.requestRestore({ backup: 'latest', ...plain, ...ask }, person)
  const confirmed = await world.engine.confirm(request.id, request.version, person)
  return world.finish(confirmed.run!)
}

export async function verify(world: World, backup: string, keyFile: string | null = null): Promise<RunView> {
  const { id } = await world.engine.startVerify(backup, { level: 'V2', keyFile }, person)
  return world.finish(id)
}

export function filesIn(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
}

/** Where a pattern can be read by whoever copies these folders: as it is, and where it is only compressed.
 * @returns lines `file: what` */
export function readable(folders: string[], patterns: readonly RegExp[]): string[] {
  return filesIn(...folders).flatMap((file) => {
    const bytes = readFileSync(file)
    const texts = [bytes, ...undone(bytes)].map((each) => each.toString('latin1'))
    return patterns
      .filter((pattern) => texts.some((text) => pattern.test(text)))
      .map((pattern) => `${file}: ${pattern}`)
  })
}

function undone(bytes: Buffer): Buffer[] {
  const magic = bytes.toString('hex', 0, 4)
  if (magic.startsWith('1f8b')) return [gunzipSync(bytes)]
  return magic === '28b52ffd' ? [zstdDecompressSync(bytes)] : []
}
