import type { Storage } from '../../src/storages/storage.ts'
import type { WorldOptions } from './world.ts'

/** Changes what the places do, after they were opened. */
export function changePlaces(
  change: (storage: Storage) => Partial<Storage>,
): NonNullable<WorldOptions['adjust']> {
  return (context) => ({
    ...context,
    storages: new Map(
      [...context.storages].map(([name, storage]) => [name, { ...storage, ...change(storage) }]),
    ),
  })
}
