import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')
export const text = (path: string): string => readFileSync(join(root, path), 'utf8')

export interface Instruction {
  word: string
  rest: string
}

/** The instructions of each stage of the Dockerfile: comments dropped, continued lines joined. */
export function stages(): Instruction[][] {
  const lines = text('Dockerfile')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const found: Instruction[][] = []
  for (const line of lines) {
    const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line)!
    if (word === 'FROM') found.push([])
    found.at(-1)!.push({ word: word!, rest: rest!.trim() })
  }
  return found
}

/** What a stage copies from this folder: source and target. */
export function copies(stage: Instruction[]): { from: string[]; to: string }[] {
  return stage
    .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from'))
    .map(({ rest }) => {
      const words = rest.split(/\s+/)
      return { from: words.slice(0, -1), to: words.at(-1)! }
    })
}

/** Packages that the image installs: neither for development nor optional. */
export function productionPackages(): string[] {
  const lock = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>
  }
  return Object.entries(lock.packages).flatMap(([path, { dev, optional, devOptional }]) =>
    path === '' || dev || optional || devOptional ? [] : [path],
  )
}
