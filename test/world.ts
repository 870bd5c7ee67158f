import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listRuns } from '../src/state/runs.ts'
import type { Storage } from '../src/storages/storage.ts'
import { everythingIn } from './support/local.ts'
import { look, type Place, type Scene } from './support/scene.ts'
import type { World } from './support/world.ts'

export interface Looks {
  /** Runs may still be queued or running; what is said about ended ones holds all the same. */
  open?: boolean
  /** Folders of the storage or temp that a scenario made unreadable on purpose. */
  skipStorage?: boolean
}

/** What must hold after any scenario, whatever was done to it: every check of support/scene.ts at once. */
export async function assertWorld(world: World, looks: Looks = {}): Promise<void> {
  const { context, notifier, postgres } = world
  const scene: Scene = {
    read: context.database.read,
    runs: await listRuns(context.database.read, { limit: 10_000 }),
    open: looks.open ?? false,
    places: looks.skipStorage ? [] : [...context.storages.values()].map(placeOf),
    tempDir: world.tempDir,
    folders: [world.stateDir, world.storageDir, world.tempDir],
    postgres,
    secrets: [world.canary, ...(postgres ? [postgres.password] : [])],
    texts: () => ({ 'the log': world.logged.join(''), 'the messages': JSON.stringify(notifier.posts) }),
  }
  await look(scene)
}

/** A folder is looked at as it is, hidden files too; any other place by what it lists. */
function placeOf(storage: Storage): Place {
  const never = new AbortController().signal
  if (storage.kind === 'local') return localPlace(storage.name, storage.location)
  return {
    name: storage.name,
    keys: async () => {
      const keys: string[] = []
      for (let cursor: string | null = null, more = true; more;) {
        const page = await storage.list('', cursor, never)
        keys.push(...page.objects.map(({ key }) => key))
        cursor = page.cursor
        more = cursor !== null
      }
      return keys
    },
    read: async (key) => Buffer.concat(await (await storage.get(key, { signal: never })).toArray()),
  }
}

export function localPlace(name: string, folder: string): Place {
  return {
    name,
    keys: () => everythingIn(folder),
    read: async (key) => readFileSync(join(folder, key)),
  }
}
