import type { SourceConfig, Strategy } from '../../core/config.ts'
import { isChosen } from '../../core/databases.ts'
import { asFault } from '../../core/faults.ts'
import { driverOf, openSource, type EngineContext } from '../context.ts'
import { answered } from './in-time.ts'

/** A strategy that backs up what bears a name. */
export interface Owner {
  strategy: Strategy
  /** Why it is only possible: it could not be asked. null: it is sure. */
  doubt: string | null
}

/** What may be somebody's. */
export interface Found {
  kind: string
  /** As its server calls it. */
  name: string
  /** As its source tells it from all others. */
  marks: readonly string[]
  /** For whatever is opened to ask. */
  opening: { id: string; folder: string }
}

/** Whose database this is, asked of every strategy: two addresses may lead to one database, and one of a whole server is in no
 * URL. Who could be its owner and cannot be asked counts as one. */
export async function ownersOf(context: EngineContext, found: Found, signal: AbortSignal): Promise<Owner[]> {
  const asked = addressesOf(context, found).map(async (address): Promise<Owner[]> => {
    const { strategy } = address
    try {
      const asking = marksAt(context, address, { opening: found.opening, signal })
      const theirs = await answered(`the database of ${strategy.name}`, signal, asking)
      return theirs.some((mark) => found.marks.includes(mark)) ? [{ strategy, doubt: null }] : []
    } catch (error) {
      if (signal.aborted) throw error
      return [{ strategy, doubt: context.scrub(asFault(error).message) }]
    }
  })
  const owners = (await Promise.all(asked)).flat()
  const isSure = (of: Strategy): boolean =>
    owners.some(({ strategy, doubt }) => strategy === of && doubt === null)
  const told = owners.filter(({ strategy, doubt }) => doubt === null || !isSure(strategy))
  return [...new Map(told.map((owner) => [owner.strategy, owner])).values()]
}

export function ownerWords(name: string, { strategy, doubt }: Owner): string {
  return doubt === null
    ? `${name} is the database of ${strategy.name} itself`
    : `${name} could be the database of ${strategy.name}, which cannot be asked: ${doubt}`
}

interface Address {
  strategy: Strategy
  url: string
  /** null: that of the URL. */
  database: string | null
}

/** Where a strategy's database, or its replica, could be the one. On a server, a database has one name, however it is reached;
 * whether capitals count, only the server knows. */
function addressesOf(context: EngineContext, { kind, name }: Found): Address[] {
  const driver = driverOf(context, kind)
  const spelled = [...new Set([name, name.toLowerCase()])]
  const possible = ({ databases }: SourceConfig, url: string): (string | null)[] => {
    if (!driver.at) return [null]
    if (databases !== null) return spelled.filter((one) => isChosen(databases, one))
    const facts = driver.parseUrl(url)
    return 'database' in facts && facts.database.toLowerCase() === name.toLowerCase() ? [null] : []
  }
  return context.config.strategies
    .filter(({ source }) => source.kind === kind)
    .flatMap((strategy) => {
      const { url, dumpUrl } = strategy.source
      const urls = dumpUrl === null ? [url] : [url, dumpUrl]
      return urls.flatMap((one) =>
        possible(strategy.source, one).map((database) => ({ strategy, url: one, database })),
      )
    })
}

/** Of what bears the name there. */
async function marksAt(
  context: EngineContext,
  { strategy, url, database }: Address,
  { opening, signal }: { opening: Found['opening']; signal: AbortSignal },
): Promise<string[]> {
  const at = { ...strategy.source, url, dumpUrl: null, restoreUrl: null }
  const source = await openSource(context, { ...strategy, source: at }, opening)
  try {
    return (await source.marks?.({ database, url: null }, signal)) ?? []
  } finally {
    await source.close()
  }
}
