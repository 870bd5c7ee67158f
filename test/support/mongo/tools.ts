import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The stubs as programs, to be put first on PATH. @returns their folder */
export async function makeMongoTools(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-mongo-tools-'))
  for (const tool of ['mongodump', 'mongorestore']) {
    const script = join(import.meta.dirname, `${tool}.ts`)
    await writeFile(
      join(folder, tool),
      `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${script}' "$@"\n`,
    )
    await chmod(join(folder, tool), 0o755)
  }
  return folder
}
