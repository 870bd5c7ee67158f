import type { TableRows } from '../../../core/model.ts'
import { createRowCounter } from '../row-counter.ts'
import { blobFile, tocName } from './finished.ts'
import type { Header } from './tar.ts'
import type { MemberReader } from './tar-reader.ts'

/** What an archive of a dump in directory format holds. */
export interface Inventory {
  /** For the tar reader. */
  open: (member: Header) => MemberReader | null
  /** @throws Error when there is no table of contents */
  requireToc: () => void
  /** @param ids  of the entries for large objects in the table of contents
   * @throws Error when a list is missing, or a large object */
  requireLists: (ids: readonly string[]) => void
  /** @param names  of the tables that have to be there, by the id of their entry
   * @throws Error when one is missing or incomplete, or there is something else */
  tables: (names: ReadonlyMap<string, string>) => TableRows[]
}

const longestList = 64 * 1024 * 1024 // of large objects: two million of them

/** @param openToc  gets the table of contents */
export function createInventory(openToc: () => MemberReader): Inventory {
  const seen = new Set<string>()
  /** Rows by file; null = incomplete. */
  const rows = new Map<string, number | null>()
  const lists = new Set<string>()
  const listed = new Set<string>()
  let mark: string | null = null

  function open(member: Header): MemberReader | null {
    const name = plainName(member)
    if (seen.has(name)) throw new Error(`the archive holds ${name} twice`)
    seen.add(name)
    const own = [member.owner, member.group].join('/')
    mark ??= own
    if (own !== mark) throw new Error(`${name} is of another dump`)
    if (name === tocName) return openToc()
    if (/^\d+\.dat$/.test(name)) return countingReader((count) => void rows.set(name, count))
    if (/^blobs(_\d+)?\.toc$/.test(name))
      return listReader(
        member,
        (file) => void listed.add(file),
        () => lists.add(name),
      )
    return null
  }

  function requireToc(): void {
    if (!seen.has(tocName)) throw new Error(`${tocName} is missing`)
  }

  function requireLists(ids: readonly string[]): void {
    const lost = ids.find((id) => !lists.has(`blobs_${id}.toc`) && !lists.has('blobs.toc'))
    if (lost !== undefined) throw new Error(`the list of large objects ${lost} is missing`)
    const missing = [...listed].find((file) => !seen.has(file))
    if (missing !== undefined) throw new Error(`the large object ${missing} is missing`)
  }

  function tables(names: ReadonlyMap<string, string>): TableRows[] {
    const counts = new Map<string, number>()
    for (const [id, table] of names) {
      const found = rows.get(`${id}.dat`)
      if (found === undefined) throw new Error(`the rows of ${table} are missing`)
      if (found === null) throw new Error(`the rows of ${table} are incomplete`)
      counts.set(table, (counts.get(table) ?? 0) + found) // partitions loaded through their root come one by one
    }
    const stranger = [...seen].find((name) => !isKnown(name, names))
    if (stranger !== undefined) throw new Error(`the dump knows no ${stranger}`)
    return [...counts]
      .map(([name, count]) => ({ name, rows: count }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  function isKnown(name: string, names: ReadonlyMap<string, string>): boolean {
    const id = /^(\d+)\.dat$/.exec(name)?.[1]
    if (id !== undefined) return names.has(id)
    return name === tocName || lists.has(name) || listed.has(name) || name === 'restore.sql' // of pg_dump's own tar format
  }

  return { open, requireToc, requireLists, tables }
}

/** Without the folder that it lies in. */
export function plainName({ name }: Pick<Header, 'name'>): string {
  return name.split('/').at(-1)!
}

/** Rows as COPY writes them, to the line `\.` and no further. */
function countingReader(done: (rows: number | null) => void): MemberReader {
  const counter = createRowCounter()
  counter.take(Buffer.from('COPY the.rows FROM stdin;\n'))
  return {
    take: counter.take,
    end() {
      const { tables, complete } = counter.end()
      done(complete ? tables[0]!.rows : null)
    },
  }
}

function listReader({ size }: Header, each: (file: string) => void, done: () => void): MemberReader {
  if (size > longestList) throw new Error('the list of large objects is too long')
  const chunks: Buffer[] = []
  return {
    take: (chunk) => void chunks.push(Buffer.from(chunk)),
    end() {
      for (const line of Buffer.concat(chunks).toString().split('\n')) {
        const file = blobFile(line)
        if (file !== null) each(file)
      }
      done()
    },
  }
}
