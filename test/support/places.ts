import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../src/core/faults.ts'
import { lookAfterDebts } from '../../src/engine/debts.ts'
import type { Storage } from '../../src/storages/storage.ts'
import type { RunView } from '../../src/core/model.ts'
import { everythingIn } from './local.ts'
import type { World, WorldOptions } from './world.ts'

/** Places that can be cut off from the network, and what people do next. */
export interface Places {
  /** Names of places that do not answer now. */
  away: Set<string>
  options: Required<Pick<WorldOptions, 'folder' | 'storageDir' | 'global' | 'adjust'>>
  /** Where a place lies on this disk. */
  dir(name: string): string
}

/** Local places, each in a folder of its own; a dump goes to all of them unless `storage` says otherwise. */
export function severalPlaces(
  folder: string,
  names: readonly string[],
  global: Record<string, unknown> = {},
): Places {
  const away = new Set<string>()
  const dir = (name: string): string => join(folder, name)
  const storages = Object.fromEntries(names.map((name) => [name, { type: 'local', path: dir(name) }]))
  return {
    away,
    dir,
    options: {
      folder,
      storageDir: dir(names[0]!),
      global: { storages, storage: names, ...global },
      adjust: (context) => ({
        ...context,
        storages: new Map([...context.storages].map(([name, storage]) => [name, cutOff(storage, away)])),
      }),
    },
  }
}

function cutOff(storage: Storage, away: ReadonlySet<string>): Storage {
  const answer = <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      if (away.has(storage.name)) throw new Fault('storage-unreachable', `${storage.name} does not answer`)
      return call(...args)
    }
  }
  return {
    ...storage,
    put: answer(storage.put),
    get: answer(storage.get),
    head: answer(storage.head),
    list: answer(storage.list),
    remove: answer(storage.remove),
    sweep: answer(storage.sweep),
  }
}

/** What the service does in its next look, carried out here. @returns the ends of the copies that were due */
export async function catchUp(world: World): Promise<RunView[]> {
  const ends: RunView[] = []
  for (const run of await lookAfterDebts(world.context)) ends.push(await world.finish(run))
  return ends
}

/** Everything a place holds but its marker: path → content. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const files = (await everythingIn(folder)).filter((path) => path.includes('/'))
  const texts = await Promise.all(files.map((path) => readFile(join(folder, path), 'latin1')))
  return Object.fromEntries(files.map((path, index) => [path, texts[index]!]))
}
