import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineContext } from './context.ts'
import { makeRunFolder } from './folders.ts'
import { newRunId } from './restore/requests.ts'

export interface LentPassphrases {
  /** @param secret  a passphrase, or the bytes of a key file
   * @returns the path of a file with it, 0600 in a folder of 0700 (promise 14) */
  keep(secret: string | Uint8Array): Promise<string>
  /** Nothing of them is left; after a kill the service removes them like any other stray folder. */
  close(): Promise<void>
}

/** Passphrases that a person typed, and keys that a shell piped in: a running service cannot ask, and neither arguments nor state may hold them. */
export function lentPassphrases(context: EngineContext): LentPassphrases {
  const folders: string[] = []
  return {
    async keep(secret) {
      const folder = await makeRunFolder(context, newRunId(context))
      folders.push(folder)
      const path = join(folder, 'passphrase')
      await writeFile(path, typeof secret === 'string' ? `${secret}\n` : secret, { mode: 0o600, flag: 'wx' })
      return path
    },
    async close() {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
    },
  }
}
