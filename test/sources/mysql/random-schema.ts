import { flavour } from '../../support/mysql.ts'

const isMariadb = flavour === 'MariaDB'

/** Statements that make a database nobody would think of: the same for the same seed. */
export function randomSchema(seed: number): string[] {
  const random = generator(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const upTo = (most: number): number => 1 + Math.floor(random() * most)
  const statements: string[] = []
  const tables: { id: string; columns: { id: string; type: ColumnType }[] }[] = []
  const names = new Set<string>()
  const freshName = (): string => {
    for (;;) {
      const name = Array.from({ length: upTo(12) }, () => pick(letters))
        .join('')
        .trim()
      if (name === '' || names.has(name.toLowerCase())) continue
      names.add(name.toLowerCase())
      return `\`${name.replaceAll('`', '``')}\``
    }
  }

  for (let table = upTo(6); table > 0; table--) {
    const id = freshName()
    const columns = Array.from({ length: upTo(8) }, () => ({ id: freshName(), type: pick(types) }))
    const hasKey = random() < 0.7
    const lines = [
      ...(hasKey ? ['id INT AUTO_INCREMENT PRIMARY KEY'] : []),
      ...columns.map(
        ({ id: column, type }) =>
          `${column} ${type.sql}${random() < 0.2 ? ` COMMENT ${text(freshName())}` : ''}`,
      ),
      ...(random() < 0.4
        ? [
            `${freshName()} BIGINT AS (LENGTH(COALESCE(HEX(${columns[0]!.id}), ''))) ${pick(['STORED', 'VIRTUAL'])}`,
          ]
        : []),
      ...(hasKey && random() < 0.3 ? [`parent INT, FOREIGN KEY (parent) REFERENCES ${id} (id)`] : []),
    ]
    const charset = pick(['utf8mb4', 'latin1', 'utf8mb3 COLLATE utf8mb3_bin', 'cp1251', 'ucs2'])
    const history = isMariadb && random() < 0.15 ? ' WITH SYSTEM VERSIONING' : ''
    statements.push(`CREATE TABLE ${id} (${lines.join(', ')}) CHARSET ${charset}${history}`)
    const into = columns.map((column) => column.id).join(', ')
    for (let row = Math.floor(random() * 30); row > 0; row--) {
      const values = columns.map(({ type }) => (random() < 0.15 ? 'NULL' : type.value(random, pick)))
      statements.push(`INSERT INTO ${id} (${into}) VALUES (${values.join(', ')})`)
    }
    tables.push({ id, columns })
  }
  let last = pick(tables).id
  for (let view = Math.floor(random() * 3); view > 0; view--) {
    const id = freshName()
    statements.push(`CREATE VIEW ${id} AS SELECT * FROM ${last}`)
    last = id
  }
  if (isMariadb && random() < 0.5)
    statements.push(`CREATE SEQUENCE ${freshName()} START WITH ${upTo(99)} INCREMENT BY ${upTo(5)}`)
  if (random() < 0.5)
    statements.push(`CREATE PROCEDURE ${freshName()}(IN a INT) BEGIN SELECT ${text('; -- `\n')}; /* a */ END`)
  if (random() < 0.5)
    statements.push(`CREATE FUNCTION ${freshName()}() RETURNS TEXT DETERMINISTIC RETURN ${text("it's; \\")}`)
  if (random() < 0.5)
    statements.push(
      `CREATE TRIGGER ${freshName()} BEFORE INSERT ON ${pick(tables).id} FOR EACH ROW BEGIN SET @a = ';'; END`,
    )
  if (random() < 0.5)
    statements.push(
      `CREATE EVENT ${freshName().replaceAll(';;', ';')} ON SCHEDULE EVERY ${upTo(9)} DAY STARTS '2027-01-01' DO BEGIN SET @b = 1; END`,
    )
  return statements
}

const letters = [...Array.from('abcXYZ019_$ \n\t\'"`;.,()-/*#\\%äßéЖ日'), '--', '/*', '*/', ';;', 'VALUES (']

interface ColumnType {
  sql: string
  value: (random: () => number, pick: <T>(items: readonly T[]) => T) => string
}

const hex = (random: () => number, most: number): string =>
  `X'${Array.from({ length: Math.floor(random() * most) }, () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('')}'`

const types: readonly ColumnType[] = [
  { sql: 'BIGINT', value: (_, pick) => pick(['0', '-1', '9223372036854775807', '-9223372036854775808']) },
  { sql: 'INT UNSIGNED DEFAULT 7', value: (random) => String(Math.floor(random() * 4294967295)) },
  { sql: 'DECIMAL(30,10)', value: (random) => `${Math.floor(random() * 1e15)}.0000000001` },
  {
    sql: 'DOUBLE',
    value: (random, pick) =>
      pick(['1.7976931348623157e308', '-2.2250738585072014e-308', String(random() - 0.5)]),
  },
  { sql: 'FLOAT', value: (_, pick) => pick(['0.5', '-1e30', '3.25e-20', '1677.5']) },
  {
    sql: 'VARCHAR(60)',
    value: (random, pick) =>
      text(Array.from({ length: Math.floor(random() * 20) }, () => pick(asciiLetters)).join('')),
  },
  {
    sql: 'TEXT CHARACTER SET utf8mb4',
    value: (_, pick) =>
      text(pick(['🦊', '\0\x1a\r\n', '\\', "''", '-- Dump completed\n', '日本', '),(', ''])),
  },
  { sql: 'BLOB', value: (random) => hex(random, 80) },
  { sql: 'VARBINARY(40)', value: (random) => hex(random, 40) },
  { sql: 'BINARY(5)', value: (random) => hex(random, 5) },
  { sql: 'BIT(12)', value: (random) => `b'${Math.floor(random() * 4096).toString(2)}'` },
  { sql: 'DATE', value: (_, pick) => pick(["'1000-01-01'", "'9999-12-31'", "'2024-02-29'"]) },
  {
    sql: 'DATETIME(6)',
    value: (_, pick) => pick(["'2026-03-29 02:30:00.000001'", "'9999-12-31 23:59:59.999999'"]),
  },
  {
    sql: 'TIMESTAMP(3) NULL',
    value: (_, pick) => pick(["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999'", "'2026-10-25 02:30:00'"]),
  },
  { sql: 'TIME(2)', value: (_, pick) => pick(["'-838:59:59'", "'838:59:59'", "'00:00:00.01'"]) },
  { sql: 'YEAR', value: (_, pick) => pick(['1901', '2155', '0']) },
  { sql: "ENUM('a', 'b''c', '')", value: (_, pick) => pick(["'a'", "'b''c'", "''"]) },
  { sql: "SET('x', 'y;z')", value: (_, pick) => pick(["'x,y;z'", "''", "'x'"]) },
  { sql: 'JSON', value: (_, pick) => text(pick(['{"a": [1, null, "\\\\"]}', '[]', '"\\u0041"'])) },
  { sql: 'GEOMETRY', value: (random) => `ST_GeomFromText('POINT(${Math.floor(random() * 180)} 1.5)')` },
  ...(isMariadb
    ? [
        { sql: 'UUID', value: () => "'123e4567-e89b-12d3-a456-426655440000'" },
        { sql: 'INET6', value: () => "'2001:db8::ff00:42:8329'" },
      ]
    : [
        { sql: 'VECTOR(2)', value: () => "TO_VECTOR('[0.5,-3e8]')" },
        { sql: 'VARCHAR(20) COLLATE utf8mb4_0900_as_cs', value: () => "'Straße ; 🦊'" },
      ]),
]

const asciiLetters = Array.from('abc XYZ\'"\\`;,()\n\t%_-#/*')

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
