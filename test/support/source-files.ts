import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface SourceFile {
  /** Relative to the project, without `.ts`: `src/storages/local/put`. */
  path: string
  lines: number
  /** The text without comments. */
  code: string
  /** Own modules as paths like `path`, packages by name, `?` for an import that cannot be read from the text. */
  imports: string[]
}

export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readSource(join(entry.parentPath, entry.name)))
}

function readSource(file: string): SourceFile {
  const text = readFileSync(file, 'utf8')
  const code = withoutComments(text)
  return {
    path: relative(root, file).replace(/\.ts$/, ''),
    lines: text.split('\n').length - 1,
    code,
    imports: importsOf(code).map((name) => (name.startsWith('.') ? ownPath(file, name) : name)),
  }
}

/** Static, re-exporting, side-effect and dynamic imports, `import('…')` types, and Node's own ways around them. */
export function importsOf(code: string): string[] {
  const named = code.matchAll(/^\s*(?:import|export)\b[^'"`;=(]*?\bfrom\s*['"]([^'"]+)['"]/gm)
  const bare = code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)
  const dynamic = code.matchAll(/\bimport\(\s*(?:['"]([^'"]+)['"]|[^)]*)/g)
  const around = code.matchAll(/\b(?:createRequire|getBuiltinModule|require)\s*\(/g)
  return [...named, ...bare, ...dynamic].map((match) => match[1] ?? '?').concat([...around].map(() => '?'))
}

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function ownPath(file: string, name: string): string {
  return relative(root, resolve(dirname(file), name)).replace(/\.ts$/, '')
}
