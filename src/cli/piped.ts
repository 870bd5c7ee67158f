import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault } from '../core/faults.ts'

const most = 1024 * 1024 // more than any key; a device may never end

/** What a shell pipes in (`<(pass show key)`) can be read once, and by this process only.
 * @returns null for an ordinary file or folder, and for what is not there: whoever reads it says so
 * @throws Fault key-missing */
export async function readPiped(path: string): Promise<Buffer | null> {
  const found = await stat(path).catch(() => null)
  const isOurs = /^\/(dev|proc)\//.test(resolve(path)) // such as a descriptor, which is another file in another process
  if (!found || found.isDirectory() || (found.isFile() && !isOurs)) return null
  const chunks: Buffer[] = []
  try {
    await using file = await open(path)
    for await (const chunk of file.createReadStream({ end: most, autoClose: false }))
      chunks.push(chunk as Buffer)
  } catch (cause) {
    throw new Fault('key-missing', `the key file ${path} cannot be read`, { hint: 'name a file', cause })
  }
  const bytes = Buffer.concat(chunks)
  if (bytes.length > 0 && bytes.length <= most) return bytes
  throw new Fault('key-missing', `the key file ${path} ${bytes.length > 0 ? 'never ends' : 'is empty'}`, {
    hint: 'name the file with the private key or passphrase, or pipe it in whole',
  })
}
