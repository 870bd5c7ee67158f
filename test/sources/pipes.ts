import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodingChain } from '../../src/engine/chain.ts'
import { artifactSink, rawInput } from '../../src/engine/pipeline.ts'
import { filters } from '../../src/filters/registry.ts'
import type { RawInput } from '../../src/sources/source.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, createFileSpool, type FileSpool } from '../../src/sys/spool.ts'
import type { Pipes } from '../contracts/source.ts'

/** The engine's own pipeline with these filters; a damaged file, which the tests write themselves, is read without them. */
export function enginePipes(kinds: string[]): Pipes {
  const chain = decodingChain(filters, kinds, null)
  const spools = new Map<string, FileSpool>()
  return {
    sink: (folder, processes, running) => ({
      file(name) {
        const path = join(folder, name)
        const through = async (write: (spool: FileSpool) => Promise<void>): Promise<void> => {
          const spool = await createFileSpool(path, systemClock)
          spools.set(path, spool)
          await write(spool)
          await spool.finish()
        }
        const tools = { processes, running }
        return {
          fromProgram: (command) =>
            through((spool) => artifactSink(spool, chain, tools).fromProgram(command)),
          fromFile: (file) => through((spool) => artifactSink(spool, chain, tools).fromFile(file)),
          fromStream: (bytes) => through((spool) => artifactSink(spool, chain, tools).fromStream(bytes)),
        }
      },
    }),
    input(path, processes, running): RawInput {
      const spool = spools.get(path)
      const tools = { processes, running }
      return spool ? rawInput(spool, chain, tools) : rawInput(bytesSpool(readFileSync(path)), [], tools)
    },
  }
}
