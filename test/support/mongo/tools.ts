import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The stubs as programs, to be put first on PATH. @returns their folder */
export async function makeMongoTools(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-mongo-tools-'))
  for (const tool of ['mongodump', 'mongorestore']) {
    const script = join(import.meta.dirname, `${tool}.ts`)
    await writeFile(join(folder, tool), wrapper(folder, script))
    await chmod(join(folder, tool), 0o755)
  }
  return folder
}

/** The driver is large: what was compiled once is kept for the next call. */
function wrapper(folder: string, script: string): string {
  const cache = join(folder, 'compiled')
  return `#!/bin/sh\nNODE_COMPILE_CACHE='${cache}' exec '${process.execPath}' --no-warnings '${script}' "$@"\n`
}
