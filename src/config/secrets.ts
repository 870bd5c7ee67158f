import { createScrub } from '../core/secret.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'

const userinfo = /^(?<head>[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)(?<password>[^/?#]*)(?<tail>@.*)$/is
/** A password that should have been percent-encoded: it may hold `/`, `?` or `#`. */
const rawUserinfo = /^(?<head>[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)(?<password>.*)(?<tail>@[^@]*)$/is
const parameter = /(?<head>[?&][a-z_]*(?:password|secret|token)=)(?<password>[^&#]+)/gi

/** The passwords in a URL, as written and decoded, whether or not a driver understands it. */
export function urlSecrets(url: string): string[] {
  const written = [
    (userinfo.exec(url) ?? rawUserinfo.exec(url))?.groups?.password,
    ...[...url.matchAll(parameter)].map((match) => match.groups?.password),
  ].filter((password) => password !== undefined && password !== '') as string[]
  return written.flatMap((password) => [password, decoded(password)])
}

/** Any other text stays as it is. */
export function hidePasswords(url: string): string {
  const form = userinfo.test(url) ? userinfo : rawUserinfo
  return url.replace(form, '$<head>***$<tail>').replaceAll(parameter, '$<head>***')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The file's content, ready to be shown. Words that anybody knows (`postgres`) hide only where they are the password:
 * hiding them everywhere would leave nothing to read, and tell what the password is. */
export function redact(examination: Examination): (value: unknown, pointer: string) => unknown {
  const { sources, storages } = examination.drivers
  const known = new Set([
    ...sources.flatMap(({ kind, schemes }) => [kind, ...schemes]),
    ...storages.map(({ kind }) => kind),
  ])
  const scrub = createScrub([...examination.secrets].filter((secret) => !known.has(secret)))
  const hide = (value: unknown, pointer: string): unknown => {
    if (examination.secretPlaces.has(pointer)) return '***'
    if (typeof value === 'string')
      return scrub(examination.urlPlaces.has(pointer) ? hidePasswords(value) : value)
    if (Array.isArray(value)) return value.map((item, index) => hide(item, child(pointer, index)))
    if (!isMapping(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, hide(inner, child(pointer, key))]),
    )
  }
  return hide
}
