import { open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { TableRows } from '../../core/model.ts'
import { toolFault } from './faults.ts'
import { readsEnough, selection, type Loading } from './load.ts'
import { parseQualified, quoted } from './names.ts'
import type { Place } from './place.ts'
import { psqlFor, runScripts } from './psql.ts'

/** Replaces what the backup holds in a database that is in use, in one transaction which also counts the rows: until it ends
 * everybody sees the old data, and any failure leaves it as it was (promise 13). pg_restore's own transaction would
 * end before anybody had counted.
 * @throws Fault restore-failed */
export async function overwrite(place: Place, loading: Loading, signal: AbortSignal): Promise<void> {
  const { backup, connection, program } = loading
  const psql = await psqlFor(place, signal)
  const [script, check] = ['overwrite.sql', 'check.sql'].map((name) => join(place.context.folder, name)) as [
    string,
    string,
  ]
  try {
    const argv = [
      program.path,
      '--clean',
      '--if-exists',
      '--single-transaction', // else it begins and ends one of its own for large objects, and ours with it
      ...(await selection(place, loading)),
      `--file=${script}`,
    ]
    const dump = await loading.dump()
    await dump.intoProgram({ argv, ...readsEnough(loading) }, null).catch((error: unknown) => {
      throw toolFault(error, connection, 'restore-failed')
    })
    await withoutEnd(script)
    await writeFile(check, checkScript(backup.tables ?? []), { mode: 0o600 })
    await runScripts(place, {
      psql,
      connection,
      paths: [script, check],
      atomic: true,
      guarded: false,
      signal,
    })
  } finally {
    for (const path of [script, check]) await rm(path, { force: true })
  }
}

const commit = 'COMMIT;'
const tailBytes = 4_096 // behind it come three comments

/** Makes a comment of the script's last statement, which ends its transaction: ours goes on with the check. */
async function withoutEnd(script: string): Promise<void> {
  const file = await open(script, 'r+')
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - tailBytes)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(tailBytes), position: from })
    const at = buffer.toString('latin1', 0, bytesRead).lastIndexOf(`\n${commit}\n`)
    if (at < 0) throw new Fault('internal', 'pg_restore ended no transaction')
    await file.write('--'.padEnd(commit.length), from + at + 1)
  } finally {
    await file.close()
  }
}

/** Fails, and with it the whole transaction, at the first table that has other rows than the backup. */
export function checkScript(tables: readonly TableRows[]): string {
  const expected = tables.map(({ name, rows }) => `(${literal(sqlName(name))}, ${rows})`)
  if (expected.length === 0) return ''
  return `DO $check$ DECLARE wanted record; found bigint; BEGIN
  FOR wanted IN SELECT * FROM (VALUES ${expected.join(',\n')}) AS v (name, rows) LOOP
    EXECUTE 'SELECT count(*) FROM '
      || CASE (SELECT relkind FROM pg_catalog.pg_class WHERE oid = wanted.name::pg_catalog.regclass) WHEN 'p' THEN '' ELSE 'ONLY ' END
      || wanted.name INTO found;
    IF found < wanted.rows OR found > wanted.rows AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
      WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objid = wanted.name::pg_catalog.regclass AND deptype = 'e') THEN
      RAISE EXCEPTION 'table % has % rows instead of %', wanted.name, found, wanted.rows;
    END IF;
  END LOOP;
END $check$;\n`
}

/** Manifests quote less than SQL does. */
function sqlName(name: string): string {
  const parsed = parseQualified(name)
  return parsed ? `${quoted(parsed.schema)}.${quoted(parsed.table)}` : name
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
