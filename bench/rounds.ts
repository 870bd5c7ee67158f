import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SampleServer } from './database.ts'
import { median, timeShell, type Cost } from './timing.ts'

export interface Sample extends Cost {
  bytes: number
}

/** Names of what is measured, each with a way to do it once. */
export type Contestants = Record<string, () => Promise<Cost & { bytes?: number }>>

/** Everything once in each round, so that what slows the machine for a while slows all alike.
 * The first round only warms the caches and is not counted. */
export async function interleave(
  contestants: Contestants,
  { rounds, told }: { rounds: number; told: (line: string) => void },
): Promise<Record<string, Sample[]>> {
  const samples: Record<string, Sample[]> = {}
  for (let round = 0; round <= rounds; round++)
    for (const [name, once] of Object.entries(contestants)) {
      const { wallS, cpuS, bytes = 0 } = await once()
      told(
        `round ${round === 0 ? 'warm-up' : `${round}/${rounds}`}  ${name}  ${wallS.toFixed(2)} s, processor ${cpuS.toFixed(2)} s`,
      )
      if (round > 0) (samples[name] ??= []).push({ wallS, cpuS, bytes })
    }
  return samples
}

export function medians(samples: Sample[] | undefined): Sample {
  const list = samples ?? []
  return {
    wallS: median(list.map(({ wallS }) => wallS)),
    cpuS: median(list.map(({ cpuS }) => cpuS)),
    bytes: median(list.map(({ bytes }) => bytes)),
  }
}

/** A pipeline that leaves one file, as people write it. */
export function byHand(
  { env }: SampleServer,
  folder: string,
  pipeline: string,
): () => Promise<Cost & { bytes: number }> {
  return async () => {
    const file = join(folder, 'by-hand')
    const cost = await timeShell(`${pipeline} > ${file}`, env)
    return { ...cost, bytes: (await stat(file)).size }
  }
}
