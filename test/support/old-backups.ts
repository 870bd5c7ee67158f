import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { backupId, manifestName } from '../../src/core/keys.ts'
import type { Manifest } from '../../src/core/model.ts'
import { canonical } from '../../src/core/canonical.ts'
import { copyOf } from '../../src/engine/catalogue.ts'
import { saveCopy } from '../../src/state/catalogue.ts'
import type { World } from './world.ts'

/** Backups as if they had been made then: copies of the newest, with ids, manifests and digests of their own, in one place and in the
 * catalogue. Much quicker than to make them one after the other.
 * @param ages  in ms before now
 * @returns their ids, in the order of the ages */
export async function makeOld(world: World, ages: readonly number[], storage = 'disk'): Promise<string[]> {
  const { context, engine } = world
  const strategy = world.config.strategies[0]!.name
  const { manifest: newest } = await engine.backup('latest', strategy)
  const folder = join(context.storages.get(storage)!.location)
  const made: string[] = []
  for (const age of ages) {
    const manifest = dated(newest, context.clock.now() - age, () => context.clock.random())
    newest.artifacts.forEach(({ key }, index) => {
      const to = join(folder, manifest.artifacts[index]!.key)
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(folder, key), to)
    })
    const at = dirname(join(folder, manifest.artifacts[0]!.key))
    writeFileSync(join(at, manifestName), JSON.stringify(manifest, null, 2) + '\n')
    const copy = copyOf(context, context.storages.get(storage)!, manifest)
    await context.database.write((tx) => saveCopy(tx, copy))
    made.push(manifest.id)
  }
  return made
}

function dated(newest: Manifest, at: number, random: () => number): Manifest {
  const id = backupId(newest.strategy, at, random)
  const month = new Date(at).toISOString().slice(0, 7).replace('-', '/')
  const tookMs = Date.parse(newest.endedAt) - Date.parse(newest.startedAt)
  const { digest, ...same } = newest
  const manifest = {
    ...same,
    id,
    startedAt: new Date(at).toISOString(),
    endedAt: new Date(at + tookMs).toISOString(),
    artifacts: newest.artifacts.map((artifact) => {
      const [strategy, ...rest] = artifact.key.split('/')
      const series = rest
        .slice(0, -4)
        .map((part) => `${part}/`)
        .join('') // year, month, id and file are the last four
      return { ...artifact, key: `${strategy}/${series}${month}/${id}/${rest.at(-1)}` }
    }),
  }
  const own = createHash('sha256').update(canonical(manifest)).digest('hex')
  if (own === digest) throw new Error('an old backup is not its model')
  return { ...manifest, digest: own }
}
