import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RawInput, Sink } from '../../src/sources/source.ts'
import type { Processes, Running } from '../../src/sys/process.ts'

/** Artifacts as plain files in a folder, without filters. */
export function folderSink(folder: string, processes: Processes, running: Running): Sink {
  return {
    file: (name) => ({
      async fromProgram(command) {
        const file = await open(join(folder, name), 'wx')
        try {
          await processes.join({ stages: [command], input: null, output: { fd: file.fd } }, running)
        } finally {
          await file.close()
        }
      },
      fromFile: (path) => copyFile(path, join(folder, name)),
      fromStream: (bytes) => pipeline(bytes, createWriteStream(join(folder, name), { flags: 'wx' })),
    }),
  }
}

export function fileInput(path: string, processes: Processes, running: Running): RawInput {
  return {
    async intoProgram(command, onOutput) {
      const file = await open(path)
      try {
        const output = onOutput && { receive: onOutput }
        await processes.join({ stages: [command], input: { fd: file.fd }, output }, running)
      } finally {
        await file.close()
      }
      return (await stat(path)).size
    },
    async intoFile(target) {
      await copyFile(path, target)
      return (await stat(target)).size
    },
    async intoReader(take) {
      for await (const chunk of createReadStream(path)) take(chunk as Buffer)
      return (await stat(path)).size
    },
  }
}
