import { parseEnv } from 'node:util'
import type { Places } from './document.ts'
import type { Findings } from './findings.ts'
import { child, isMapping } from './pointer.ts'
import { shorten } from './shown.ts'

/** `$${` is a plain `${`; everything else between `${` and `}` is judged below. */
const reference = /\$\$\{|\$\{(?<inside>[^}]*)(?<closed>\}?)/g
const inside = /^(?:file:(?<file>.+)|(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<otherwise>[^]*))?)$/

export interface Outside {
  environment: Record<string, string | undefined>
  /** Text of `.env`; null when there is none. The environment wins over it. */
  dotenv: string | null
  readFile(path: string): string
}

interface Context {
  text: string
  places: Places
  findings: Findings
}

export interface Resolved {
  /** Values that came from outside: an unquoted number among them may stand where a number is wanted. */
  fromOutside: Set<string>
  /** What files said, what went into the password of a URL, and variables that sound like one. */
  secrets: Set<string>
}

/** Replaces every `${…}` in the values of the tree, in place. */
export function interpolate(root: unknown, outside: Outside, context: Context): Resolved {
  const variables: Record<string, string | undefined> =
    outside.dotenv === null ? {} : parseEnv(outside.dotenv)
  const resolved: Resolved = { fromOutside: new Set(), secrets: new Set() }
  const look = lookup(variables, outside, resolved.secrets)
  const replace = (template: string, pointer: string): string => {
    const broken: { whole: string; wrong: string; instead: string }[] = []
    const written = template.replaceAll(reference, (whole, ...rest) => {
      if (whole === '$${') return '${'
      resolved.fromOutside.add(pointer)
      const groups = rest.at(-1) as { inside: string; closed: string }
      const found = groups.closed ? look(groups.inside) : unclosed
      const index = rest.at(-3) as number
      const around = { before: template.slice(0, index), after: template.slice(index + whole.length) }
      if (typeof found === 'string') return intoUrl(found, around, resolved.secrets)
      broken.push({ whole, ...found })
      return whole
    })
    for (const { whole, ...words } of broken.slice(0, 1))
      context.findings.mistakeAt(placeOf(whole, pointer, context), { pointer, ...words })
    return broken.length > 0 ? template : written
  }
  replaceWithin(root, '', replace)
  return resolved
}

/** Where a reference stands: one value may hold several. */
function placeOf(whole: string, pointer: string, { text, places }: Context): number {
  const { start, end } = places.values.get(pointer) ?? { start: 0, end: 0 }
  const at = text.indexOf(whole, start)
  return at >= 0 && at < end ? at : start
}

const unclosed = {
  wrong: '${ is never closed',
  instead: 'write ${NAME}, or $${ for the characters themselves',
}
const emptied = Symbol('came out empty')

function replaceWithin(
  value: unknown,
  pointer: string,
  replace: (text: string, pointer: string) => string,
): unknown {
  if (typeof value === 'string') {
    if (!value.includes('${')) return value
    const written = replace(value, pointer)
    return written === '' ? emptied : written
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item, index) => replaceWithin(item, child(pointer, index), replace))
    // An item cannot go away: the places of those after it would be wrong.
    value.splice(0, value.length, ...items.map((item) => (item === emptied ? '' : item)))
  } else if (isMapping(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const replaced = replaceWithin(inner, child(pointer, key), replace)
      if (replaced === emptied) delete value[key] // ${NAME:-} left empty is the same as not written
      else value[key] = replaced
    }
  }
  return value
}

/** Such variables are hidden wherever they were put. */
const soundsSecret = /PASS|PWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|_KEY$/i

type Found = string | { wrong: string; instead: string }

function lookup(
  dotenv: Record<string, string | undefined>,
  outside: Outside,
  secrets: Set<string>,
): (reference: string) => Found {
  return (written) => {
    const { file, name, otherwise } = inside.exec(written)?.groups ?? {}
    if (file !== undefined) return secretFile(file, outside, secrets)
    if (name === undefined || otherwise?.includes('${')) return malformed(written)
    const value = outside.environment[name] || dotenv[name]
    if (value && soundsSecret.test(name)) secrets.add(value)
    if (value) return value
    if (otherwise !== undefined) return otherwise
    const known = [outside.environment[name], dotenv[name]].includes('')
    return {
      wrong: `the environment variable ${name} is ${known ? 'empty' : 'not set'}`,
      instead: `set ${name} (in .env, for example), or write \${${name}:-default}`,
    }
  }
}

function malformed(written: string): Found {
  return {
    wrong: `\${${shorten(written)}} is not understood`,
    instead:
      'write ${NAME}, ${NAME:-default} or ${file:/run/secrets/name}; $${ for the characters themselves',
  }
}

function secretFile(path: string, outside: Outside, secrets: Set<string>): Found {
  try {
    const content = outside.readFile(path).replace(/\r?\n$/, '')
    if (content === '')
      return { wrong: `the file ${shorten(path)} is empty`, instead: 'put the value into it' }
    secrets.add(content)
    return content
  } catch (error) {
    const { code } = error as { code?: string }
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : 'cannot be read'
    return { wrong: `the file ${shorten(path)} ${why}`, instead: 'correct the path, or its rights' }
  }
}

/** A value put where a URL has its user or password is percent-encoded, unless it is already: a password with `/` or `#`
 * would otherwise end up in the host. */
function intoUrl(value: string, around: { before: string; after: string }, secrets: Set<string>): string {
  const before = around.before.replaceAll(reference, 'x')
  const head = /^[a-z][a-z0-9+.-]*:\/\/(?<userinfo>[^/?#@]*)$/i.exec(before)
  if (!head || !/^[^/?#@]*@/.test(around.after.replaceAll(reference, 'x'))) return value
  if (head.groups!.userinfo!.includes(':')) secrets.add(value)
  const encoded = /^(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*$/.test(value)
  return encoded ? value : encodeURIComponent(value)
}
