import { isTable } from './facts.ts'
import { hasLibraries } from './flavour.ts'
import { markName, quoted } from './names.ts'
import type { Session } from './session.ts'

/** What a database holds, by name. */
export interface Inventory {
  /** Tables and sequences: what RENAME moves. */
  tables: string[]
  /** Views, triggers, routines and events, which no RENAME moves. */
  code: Code[]
}

/** One definition, with what it was made under. */
export interface Code {
  kind: 'VIEW' | 'TRIGGER' | 'FUNCTION' | 'PROCEDURE' | 'EVENT' | 'LIBRARY' | 'PACKAGE' | 'PACKAGE BODY'
  name: string
  /** Of a trigger. */
  table: string | null
  sql: string
  mode: string | null
  characterSet: string | null
  collation: string | null
  timeZone: string | null
}

/** Reads the session's own database, so that names in it are not qualified. */
export async function takeInventory({ rows, version }: Session): Promise<Inventory> {
  const relations = await rows<{ name: string; type: string }>(
    'SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1',
  )
  const found = await rows<{ kind: Code['kind']; name: string; parent: string | null }>(
    `SELECT 'VIEW' AS kind, TABLE_NAME AS name, NULL AS parent FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()
     UNION ALL SELECT 'TRIGGER', TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
     UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME, NULL FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
     UNION ALL SELECT 'EVENT', EVENT_NAME, NULL FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()
     ${hasLibraries(version) ? "UNION ALL SELECT 'LIBRARY', LIBRARY_NAME, NULL FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA = DATABASE()" : ''}`,
  )
  const code: Code[] = []
  for (const { kind, name, parent } of found)
    code.push({ kind, name, table: parent, ...(await definition(rows, kind, name)) })
  const tables = relations.filter(
    ({ name, type }) => (isTable(type) || type === 'SEQUENCE') && name !== markName,
  )
  return { tables: tables.map(({ name }) => name), code: inOrder(code, await triggerOrder(rows)) }
}

async function definition(
  rows: Session['rows'],
  kind: Code['kind'],
  name: string,
): Promise<Omit<Code, 'kind' | 'name' | 'table'>> {
  const [row] = await rows<Record<string, string | null>>(`SHOW CREATE ${kind} ${quoted(name)}`)
  const at = (pattern: RegExp): string | null =>
    Object.entries(row!).find(([column]) => pattern.test(column))?.[1] ?? null
  return {
    sql: at(/^Create |^SQL Original Statement$/i) ?? '',
    mode: at(/^sql_mode$/i),
    characterSet: at(/^character_set_client$/i),
    collation: at(/^collation_connection$/i),
    timeZone: at(/^time_zone$/i),
  }
}

/** Several triggers of one moment run in the order in which they were made. */
async function triggerOrder(rows: Session['rows']): Promise<Map<string, number>> {
  const order = await rows<{ name: string; place: number }>(
    'SELECT TRIGGER_NAME AS name, ACTION_ORDER AS place FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()',
  )
  return new Map(order.map(({ name, place }) => [name, Number(place)]))
}

const turns: Code['kind'][] = [
  'LIBRARY',
  'PACKAGE',
  'PACKAGE BODY',
  'FUNCTION',
  'PROCEDURE',
  'VIEW',
  'TRIGGER',
  'EVENT',
]

function inOrder(code: Code[], triggers: Map<string, number>): Code[] {
  return code.toSorted(
    (a, b) =>
      turns.indexOf(a.kind) - turns.indexOf(b.kind) ||
      (triggers.get(a.name) ?? 0) - (triggers.get(b.name) ?? 0),
  )
}

/** Into the session's own database. A view may need another one that comes later: whatever fails is tried again while anything succeeds.
 * @param made  gets each that was created */
export async function createCode({ rows }: Session, code: readonly Code[], made: Code[] = []): Promise<void> {
  let waiting = [...code]
  while (waiting.length > 0) {
    const failed: { one: Code; error: unknown }[] = []
    for (const one of waiting)
      await createOne(rows, one).then(
        () => made.push(one),
        (error: unknown) => failed.push({ one, error }),
      )
    if (failed.length === waiting.length) throw failed[0]!.error
    waiting = failed.map(({ one }) => one)
  }
}

async function createOne(
  rows: Session['rows'],
  { sql, mode, characterSet, collation, timeZone }: Code,
): Promise<void> {
  if (mode !== null) await rows('SET SESSION sql_mode = ?', [mode])
  if (timeZone !== null) await rows('SET SESSION time_zone = ?', [timeZone])
  if (characterSet !== null) await rows(`SET SESSION collation_connection = ?`, [collation])
  try {
    await rows(sql)
  } finally {
    await rows(
      "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', SESSION collation_connection = utf8mb4_general_ci",
    )
  }
}

export async function dropCode({ rows }: Session, code: readonly Code[]): Promise<void> {
  for (const { kind, name } of code.toReversed()) await rows(`DROP ${kind} IF EXISTS ${quoted(name)}`)
}

/** What makes it again, as text for people. */
export function scriptOf(code: readonly Code[]): string {
  return code.map(({ sql, mode }) => `SET sql_mode = '${mode ?? ''}';\n${sql};;\n`).join('\n')
}
