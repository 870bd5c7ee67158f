/** Replaces every configured secret by `***`, in each form in which it could leave (promise 14). */
export type Scrub = (text: string) => string

const shortestSecret = 4 // shorter values would blank out ordinary words

/** What makes a link to a stored file work for whoever has it: no configured secret, and as good as one. */
const signedLink = /((?:X-Amz-(?:Signature|Security-Token)|X-Goog-Signature|(?<=[?&])sig)=)[^&\s"'<>|]+/gi

/** A private key of age is one whoever configured it or not: also the one in a file that a person named. */
const ageKey = /AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]+/gi

export function createScrub(secrets: Iterable<string>): Scrub {
  const forms = new Set<string>()
  for (const secret of secrets)
    if (secret.length >= shortestSecret) for (const form of formsOf(secret)) forms.add(form)
  const unsigned: Scrub = (text) => text.replace(signedLink, '$1***').replace(ageKey, '***')
  if (forms.size === 0) return unsigned
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.map((form) => RegExp.escape(form)).join('|'), 'g')
  return (text) => unsigned(text.replace(pattern, '***'))
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()), // half a character, as a cut value may end with, has no encoding
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    secret.replaceAll("'", "''"), // as SQL text
    secret.replaceAll('"', '""'), // as a name in SQL
    secret.replaceAll("'", `'\\''`), // as a word of a shell
    secret.replace(/[\\']/g, '\\$&'), // as in a connection string
    secret.replaceAll('\\', '\\\\').replaceAll(':', '\\:'), // as in a pgpass file
  ]
}
