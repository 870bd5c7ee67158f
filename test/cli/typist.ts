import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { makeFolder } from '../support/local.ts'

export interface Said {
  exit: number
  stdout: Buffer
  text: string
  stderr: string
}

export interface Person {
  /** What they answer to each question. */
  answers?: string[]
  /** They press Ctrl-C when this has been said on standard error. */
  interruptsAt?: RegExp
  isScreen?: boolean
}

/** Types one line on the real program, in this process, and collects what is said. */
export async function type(argv: string[], person: Person = {}): Promise<Said> {
  const stdout: Buffer[] = []
  let stderr = ''
  const listeners = new Set<() => void>()
  let pressed = false
  const answers = [...(person.answers ?? [])]
  const isScreen = person.isScreen ?? false
  const ask = (question: string): Promise<string> => {
    stderr += question
    return Promise.resolve(answers.shift() ?? '')
  }
  const terminal: Terminal = {
    stdout: collect((chunk) => stdout.push(chunk)),
    stderr: collect((chunk) => {
      stderr += chunk.toString()
      if (pressed || !person.interruptsAt?.test(stderr)) return
      pressed = true
      for (const listener of listeners) setImmediate(listener)
    }),
    isScreen,
    drawsProgress: isScreen,
    canAsk: answers.length > 0,
    width: isScreen ? 80 : null,
    colours: { stdout: false, stderr: false },
    ask,
    askSecret: ask,
    onInterrupt(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => {
      throw new Error(`left at once with ${code}`)
    },
  }
  const door = async () => (await import('../../src/app.ts')).appDoor
  const exit = await runCli({ argv, terminal, door })
  return { exit, stdout: Buffer.concat(stdout), text: Buffer.concat(stdout).toString(), stderr }
}

export interface Place {
  folder: string
  config: string
  type(line: string, person?: Person): Promise<Said>
}

/** Two SQLite databases, `shop` (tagged) and `blog`, and a folder for their backups. */
export async function makePlace(t: TestContext): Promise<Place> {
  const folder = await makeFolder(t)
  const config = join(folder, 'easy-backup.yml')
  await mkdir(join(folder, 'store'))
  for (const name of ['shop', 'blog']) fill(join(folder, `${name}.db`))
  await writeFile(
    config,
    `global:
  state_dir: ${folder}/state
  temp_dir: ${folder}/tmp
  schedule: 6h
  timezone: Europe/Paris
  storages: { nas: { type: local, path: ${folder}/store } }
strategies:
  - { name: shop, database_url: "sqlite://${folder}/shop.db", tags: [client-a] }
  - { name: blog, database_url: "sqlite://${folder}/blog.db", schedule: manual }
`,
  )
  return {
    folder,
    config,
    type: (line, person) => type([...line.split(' '), '--config', config], person),
  }
}

function fill(path: string): void {
  const database = new DatabaseSync(path)
  database.exec('create table orders (id integer primary key, what text)')
  database.exec(`insert into orders (what) values ('lamp'), ('chair'), ('table')`)
  database.close()
}

function collect(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      take(Buffer.from(chunk))
      done()
    },
  })
}
