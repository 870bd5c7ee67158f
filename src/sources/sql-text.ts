/** Whose plain SQL this is, by what its tool writes at the front; `any`: SQL of nobody in particular; null: no SQL at all.
 * @param head the first raw bytes of a file */
export function sqlTextOf(head: Buffer): string | null {
  if (head.length === 0 || head.includes(0)) return null
  const text = head.toString('utf8').replace(/^\uFEFF/, '')
  const found = dialects.find(({ front }) => front.test(text))
  if (found) return found.kind
  return firstWord.test(withoutComments(text)) ? 'any' : null
}

const dialects: readonly { kind: string; front: RegExp }[] = [
  { kind: 'postgres', front: /^(?:\s|--[^\n]*\n)*-- PostgreSQL database (?:cluster )?dump/ },
  { kind: 'sqlite', front: /^\s*PRAGMA foreign_keys\s*=\s*OFF;\s*BEGIN TRANSACTION;/i },
  { kind: 'mysql', front: /^\s*(?:\/\*M?![^\n]*\n\s*)*-- (?:MySQL|MariaDB) dump/ },
]

const firstWord =
  /^\\?(?:ALTER|ANALYZE|BEGIN|COMMENT|COPY|CREATE|DELETE|DO|DROP|GRANT|INSERT|LOCK|PRAGMA|REINDEX|REPLACE|RESET|REVOKE|SELECT|SET|START|TRUNCATE|UPDATE|VACUUM|WITH|restrict)\b/i

function withoutComments(text: string): string {
  return text.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)+/, '')
}
