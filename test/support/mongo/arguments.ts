import { readFileSync, statSync } from 'node:fs'

/** Flags as the Database Tools take them: `--name=value`, and nothing that they do not know. The URL comes by a file that nobody else
 * can read. */
export function readArguments(
  tool: string,
  known: readonly string[],
): { uri: string; one(name: string): string | undefined; all(name: string): string[] } {
  const given = process.argv.slice(2)
  if (given.includes('--version')) {
    process.stdout.write(`${tool} version: 100.0.0-stub\ngit version: none\n`)
    process.exit(0)
  }
  const pairs = given.map(
    (word) => /^--([A-Za-z]+)(?:=([^]*))?$/.exec(word) ?? fail(`provide only one MongoDB connection string`),
  )
  const odd = pairs.find(([, name]) => !['config', 'archive', ...known].includes(name!))
  if (odd) fail(`unknown option "${odd[1]}"`)
  const all = (name: string): string[] =>
    pairs.filter(([, found]) => found === name).map(([, , value = '']) => value)
  const path = all('config')[0]
  if (path === undefined) return { uri: '', one: (name) => all(name)[0], all }
  if (statSync(path).mode & 0o077) fail(`others can read ${path}`)
  const [, uri] = /^uri: (".*")\n$/.exec(readFileSync(path, 'utf8')) ?? fail('error parsing config file')
  return { uri: JSON.parse(uri!) as string, one: (name) => all(name)[0], all }

  function fail(why: string): never {
    say(`error parsing command line options: ${why}`)
    say(`try '${tool} --help' for more information`)
    process.exit(1)
  }
}

export function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().replace('Z', '+0000')}\t${line}\n`)
}

/** Ends as the tools do when something goes wrong. */
export function whenItFails(work: Promise<void>): void {
  work.then(
    () => process.exit(0),
    (error: Error) => {
      say(`Failed: ${error.message}`)
      process.exit(1)
    },
  )
}
