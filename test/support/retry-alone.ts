import { severalPlaces } from './places.ts'
import { openWorld, person } from './world.ts'

/** A process of its own that retries the backup of `shop`, so that it can be killed at one of its system calls.
 *
 * `node retry-alone.ts <folder> <settings of the world, as JSON>`; its place is `disk` */
const [folder, settings] = process.argv.slice(2) as [string, string]
const global = JSON.parse(settings) as Record<string, unknown>
const world = await openWorld(folder, severalPlaces(folder, ['disk'], global).options)
const { id } = await world.engine.startBackup('shop', { trigger: 'retry', actor: person })
await world.finish(id)
await world.close()
