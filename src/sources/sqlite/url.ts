import { basename, extname, isAbsolute } from 'node:path'

export interface UrlMistake {
  mistake: string
  hint: string
}

const form = 'write sqlite:///absolute/path.db'

/** @returns the absolute path, or what is wrong */
export function parsePath(text: string): { path: string } | UrlMistake {
  try {
    const url = new URL(text)
    const path = decodeURIComponent(url.pathname)
    if (url.host !== '' || !text.startsWith(`${url.protocol}///`))
      return { mistake: 'the path is not absolute', hint: `${form}, with three slashes` }
    if (url.search !== '' || url.hash !== '')
      return { mistake: 'parameters are not known here', hint: 'write ? as %3F and # as %23 in a path' }
    return judge(path)
  } catch {
    return { mistake: 'this is not a URL', hint: `${form}; write % as %25` }
  }
}

export function judge(path: string): { path: string } | UrlMistake {
  if (!isAbsolute(path) || path.endsWith('/') || path.includes('\0'))
    return { mistake: 'this is not the path of a file', hint: form }
  return { path }
}

/** For a URL that `parseUrl` accepted when the configuration was read. */
export function pathOf(url: string): string {
  const parsed = parsePath(url)
  if ('mistake' in parsed) throw new TypeError(`unchecked URL: ${parsed.mistake}`)
  return parsed.path
}

/** `/data/shop.db` holds the database `shop`. */
export function databaseOf(path: string): string {
  return basename(path, usualExtension(path)) || basename(path)
}

export function usualExtension(path: string): string {
  const extension = extname(path)
  return /^\.(db3?|sqlite3?)$/i.test(extension) ? extension : ''
}
