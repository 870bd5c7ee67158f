import { name } from './spelling.ts'

/** Sets the stage for rows, and is about no table. */
export function setsStage(sql: string): boolean {
  return /^(?:SET\s|UNLOCK\s+TABLES|COMMIT|START\s+TRANSACTION|BEGIN)/i.test(sql)
}

/** What is neither INSERT nor CREATE of an object.
 * @returns isOdd   no dump program writes it
 *          isAway  it may reach another database or the server: no text that is restored may hold it */
export function judge(sql: string): { isOdd: boolean; isAway: boolean } {
  const bare = withoutStrings(sql)
  if (ofDumps.some((known) => known.test(bare))) return { isOdd: false, isAway: false }
  if (/^SET\s/i.test(sql)) {
    const isAway = isFarSetting(bare) || isFarSetting(withoutStrings(sql, false)) // by either mode
    return { isOdd: isAway, isAway }
  }
  return { isOdd: true, isAway: !ofPlainSql.some((known) => known.test(bare)) }
}

const one = `${name}(?:\\s*\\.\\s*${name})?`
const object = 'TABLE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE|LIBRARY|PACKAGE(?:\\s+BODY)?'
const whole = (pattern: string): RegExp => new RegExp(`^${pattern}\\s*$`, 'i')

/** Whether a name is of another database is judged where names are read. https://github.com/MariaDB/server/blob/mariadb-10.11.8/client/mysqldump.c */
const ofDumps = [
  whole(`DROP\\s+(?:${object})\\s+(?:IF\\s+EXISTS\\s+)?${one}`),
  whole(`ALTER\\s+TABLE\\s+${one}\\s+(?:DISABLE|ENABLE)\\s+KEYS`),
  whole(`LOCK\\s+TABLES\\s+${one}\\s+(?:READ\\s+LOCAL|READ|WRITE)`),
  whole('UNLOCK\\s+TABLES'),
  whole('(?:COMMIT|BEGIN|START\\s+TRANSACTION)'),
  whole(`(?:DO|SELECT)\\s+SETVAL\\s*\\(\\s*${name}\\s*,[\\s\\d,-]*\\)`), // a sequence
  new RegExp(`^ANALYZE\\s+TABLE\\s+${name}\\s+UPDATE\\s+HISTOGRAM\\b`, 'i'), // of mysqldump 8
]

/** Of people's own text, where only names without a database are at home. */
const ofPlainSql = [
  new RegExp(
    `^DROP\\s+(?:TEMPORARY\\s+)?(?:${object})\\s+(?:IF\\s+EXISTS\\s+)?${name}(?:\\s*,\\s*${name})*(?:\\s+(?:RESTRICT|CASCADE))?\\s*$`,
    'i',
  ),
  new RegExp(
    `^ALTER\\s+TABLE\\s+(?:IF\\s+EXISTS\\s+)?${name}\\s(?!(?:[^]*[\\s,])?(?:EXCHANGE|RENAME(?!\\s+(?:COLUMN|INDEX|KEY)))\\b)`,
    'i',
  ),
  new RegExp(
    `^(?:CREATE\\s+(?:(?:UNIQUE|FULLTEXT|SPATIAL)\\s+)?INDEX|DROP\\s+INDEX)\\s+(?:IF\\s+(?:NOT\\s+)?EXISTS\\s+)?${name}\\s+(?:USING\\s+\\w+\\s+)?ON\\s+${name}(?!\\s*\\.)`,
    'i',
  ),
  new RegExp(
    `^(?:UPDATE|DELETE\\s+FROM|TRUNCATE(?:\\s+TABLE)?|(?:ANALYZE|OPTIMIZE|CHECK)\\s+TABLE)\\s+(?:(?:LOW_PRIORITY|IGNORE)\\s+)*${name}(?:\\s+SET\\b[^]*|\\s+WHERE\\b[^]*|\\s+ORDER\\b[^]*|\\s*)$`,
    'i',
  ),
  /^LOCK\s+TABLES\s/i,
  /^START\s+TRANSACTION\s+(?:WITH\s+CONSISTENT\s+SNAPSHOT|READ\s+(?:ONLY|WRITE))\s*$/i,
  /^(?:COMMIT|BEGIN)\s+WORK\s*$/i,
  /^SELECT\s(?![^]*\sINTO\s)/i,
]

/** A setting of the server, a statement within a statement, or a function of another database. */
function isFarSetting(bare: string): boolean {
  const text = bare.replaceAll(/`(?:[^`]|``)*`/g, '`n`')
  return (
    text.length >= longestSetting ||
    /^SET\s+(?:STATEMENT|PASSWORD|ROLE|DEFAULT|RESOURCE)\b/i.test(text) ||
    /(?<![@\w$`])(?:GLOBAL|PERSIST|PERSIST_ONLY)(?![\w$])/i.test(text.replaceAll(/@@\s*/g, ' ')) ||
    /[\w$`]\s*\.\s*[\w$`]+\s*\(/.test(text)
  )
}

const longestSetting = 4096 // the rest would not be seen

/** Strings are empty; marks of comments for servers are blank, too. */
function withoutStrings(sql: string, escapes = true): string {
  const strings = escapes
    ? /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`]|``)*`/g
    : /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`/g
  return sql
    .replaceAll(strings, (text) => (text[0] === '`' ? text : text[0]! + text[0]!))
    .replaceAll(/\/\*M?!\d*|\*\//g, ' ')
}
