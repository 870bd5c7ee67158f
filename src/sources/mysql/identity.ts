import type { TargetRequest } from '../source.ts'
import type { Place } from './place.ts'
import { withServer } from './session.ts'
import { connectionTo } from './url.ts'

/** Nothing stands for a database but its name, as its server tells names apart, and the server itself. */
export async function marksOf(
  { live, context }: Place,
  { database, url }: Pick<TargetRequest, 'database' | 'url'>,
  signal: AbortSignal,
): Promise<string[]> {
  const at = url === null ? live : connectionTo(url)
  const name = database ?? at.database
  return withServer(at, { context, signal }, async ({ rows }) => {
    const said = await rows<{ Variable_name: string; Value: string }>(ofTheServer)
    const values = new Map(said.map(({ Variable_name: about, Value }) => [about.toLowerCase(), Value]))
    const spelled = values.get('lower_case_table_names') === '0' ? name : name.toLowerCase()
    const server = [...values].map((pair) => pair.join('=')).toSorted()
    return [JSON.stringify([...server, spelled])]
  })
}

/** MySQL has a uuid, MariaDB a uid: each is copied with the files of a server, so where it runs counts as well.
 * https://mariadb.com/kb/en/server-system-variables/ */
const ofTheServer = `SHOW GLOBAL VARIABLES WHERE Variable_name IN
  ('server_uuid', 'server_uid', 'hostname', 'port', 'datadir', 'server_id', 'lower_case_table_names')`
