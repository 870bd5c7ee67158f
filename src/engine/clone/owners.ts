import type { SourceConfig, Strategy } from '../../core/config.ts'
import { isChosen } from '../../core/databases.ts'
import { asFault } from '../../core/faults.ts'
import type { Source } from '../../sources/source.ts'
import { isCopy } from '../../state/clones.ts'
import { driverOf, openSource, type EngineContext } from '../context.ts'

export interface Overwriting {
  kind: string
  /** What would be overwritten, as its source calls it. */
  name: string
  /** Opened at the place. */
  source: Source
  /** For whatever else is opened. */
  opening: { id: string; folder: string }
}

interface Address {
  strategy: Strategy
  url: string
}

/** Two addresses may lead to one database: what any strategy backs up is never what a copy replaces. Whoever could be its owner and
 * cannot be asked is one, unless an earlier copy made what is there.
 * @returns why it is not overwritten, in words; empty: it is nobody's */
export async function ownerBlockers(
  context: EngineContext,
  overwriting: Overwriting,
  signal: AbortSignal,
): Promise<string[]> {
  const { name, source } = overwriting
  const id = await source.clone!.identify(name, signal)
  if (id === null) return []
  const marks = await source.clone!.marks(name, signal)
  const isOurs = await isCopy(context.database.read, { id, name })
  const owners = addressesOf(context, overwriting).map(async (address) => {
    const { strategy } = address
    try {
      const theirs = await marksAt(context, { address, overwriting }, signal)
      if (!theirs.some((mark) => marks.includes(mark))) return null
      // of a whole server its copies may be taken, too: they stay copies
      return strategy.source.databases !== null && isOurs
        ? null
        : `${name} is the database of ${strategy.name} itself`
    } catch (error) {
      signal.throwIfAborted()
      if (isOurs) return null
      return `${name} could be the database of ${strategy.name}, which cannot be asked: ${asFault(error).message}`
    }
  })
  return [...new Set((await Promise.all(owners)).filter((words) => words !== null))]
}

/** Where a strategy's database, or its replica, could be the one. On a server, a database has one name, however it is reached. */
function addressesOf(context: EngineContext, { kind, name }: Overwriting): Address[] {
  const driver = driverOf(context, kind)
  const isPossible = ({ databases }: SourceConfig, url: string): boolean => {
    if (!driver.at) return true
    if (databases !== null) return isChosen(databases, name)
    const facts = driver.parseUrl(url)
    return 'database' in facts && facts.database === name
  }
  return context.config.strategies
    .filter(({ source }) => source.kind === kind)
    .flatMap((strategy) => {
      const { url, dumpUrl } = strategy.source
      const urls = dumpUrl === null ? [url] : [url, dumpUrl]
      return urls.filter((one) => isPossible(strategy.source, one)).map((one) => ({ strategy, url: one }))
    })
}

/** Of what bears the name there. */
async function marksAt(
  context: EngineContext,
  {
    address: { strategy, url },
    overwriting: { name, opening },
  }: { address: Address; overwriting: Overwriting },
  signal: AbortSignal,
): Promise<string[]> {
  const at = { ...strategy.source, url, dumpUrl: null, restoreUrl: null }
  const source = await openSource(context, { ...strategy, source: at }, opening)
  try {
    return await source.clone!.marks(at.databases === null ? null : name, signal)
  } finally {
    await source.close()
  }
}
