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

export interface Resolved {
  /** Values that came from outside: an unquoted number among them may stand where a number is wanted. */
  fromOutside: Set<string>
  /** What files said, what went into the password of a URL, and variables that sound like one. */
  secrets: Set<string>
}

/** Replaces every `${…}` in the values of the tree, in place. */
export function interpolate(
  root: unknown,
  outside: Outside,
  context: { text: string; places: Places; findings: Findings },
): Resolved {
  const variables: Record<string, string | undefined> =
    outside.dotenv === null ? {} : parseEnv(outside.dotenv)
  const resolved: Resolved = { fromOutside: new Set(), secrets: new Set() }
  const look = lookup(variables, outside, resolved.secrets)
  const replace = (template: string, pointer: string): string => {
    const place = context.places.values.get(pointer)
    let from = place?.start ?? 0
    let failed = false
    const written = template.replaceAll(reference, (whole, ...rest) => {
      if (whole === '$${') return '${'
      const groups = rest.at(-1) as { inside: string; closed: string }
      const at = context.text.indexOf(whole, from)
      const offset = place && at >= 0 && at < place.end ? at : place?.start
      from = (offset ?? 0) + whole.length
      const found = groups.closed ? look(groups.inside) : unclosed
      if (typeof found === 'string') return intoUrl(found, template, rest.at(-3) as number, whole, resolved)
      context.findings.mistake(pointer, found.wrong, found.instead, offset)
      failed = true
      return whole
    })
    if (template.replaceAll('$${', '').includes('${')) resolved.fromOutside.add(pointer)
    return failed ? template : written
  }
  replaceWithin(root, '', replace)
  return resolved
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
function intoUrl(value: string, template: string, index: number, whole: string, resolved: Resolved): string {
  const before = /^[a-z][a-z0-9+.-]*:\/\/(?<userinfo>[^/?#@]*)$/i.exec(
    template.slice(0, index).replaceAll(reference, 'x'),
  )
  const after = template.slice(index + whole.length).replaceAll(reference, 'x')
  if (!before || !/^[^/?#@]*@/.test(after)) return value
  if (before.groups!.userinfo!.includes(':')) resolved.secrets.add(value)
  return /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/.test(value) ? value : encodeURIComponent(value)
}
