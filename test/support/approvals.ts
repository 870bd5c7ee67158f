import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Ask } from '../../src/commands/ask.ts'
import type { Person } from '../../src/commands/command.ts'
import type { AnyRequestView, RequestView } from '../../src/core/model.ts'
import { askIn, slackPerson } from './gate.ts'
import type { World, WorldOptions } from './world.ts'

export const leads = 'S0LEADS01'

/** Who is who in a protected world. */
export const people = {
  /** May restore, and is no lead. */
  bob: 'U0BOB0001',
  carol: 'U0CAROL01',
  dora: 'U0DORA001',
  boss: 'U0BOSS001',
  eve: 'U0EVE0001',
}

/** One protected strategy; Bob and the boss may ask, the leads are the second person. */
export const protectedWorld: WorldOptions = {
  global: {
    access: { restore: [people.bob, people.carol], approve: [leads], admin: [people.boss] },
  },
  strategies: { shop: { protected: true } },
}

/** A database that somebody needs, beside the one that is backed up. */
export function makePrecious(world: World, name = 'precious.db'): string {
  const path = join(world.folder, name)
  const database = new DatabaseSync(path)
  database.exec("CREATE TABLE precious (word TEXT); INSERT INTO precious VALUES ('irreplaceable')")
  database.close()
  return path
}

/** Is it still what it was? */
export function isPrecious(path: string): boolean {
  if (!existsSync(path)) return false
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare("SELECT name FROM sqlite_master WHERE name = 'precious'").get() !== undefined
  } finally {
    database.close()
  }
}

export const overwriting = {
  words: 'restore shop --target-db precious.db --clean --typed precious.db --reason "bad migration"',
}

/** Everything is asked as a face asks it, through gate and commands. */
export interface Office {
  ask: Ask
  /** Members of the leads, as Slack knows them now. */
  leads: string[]
  person(id: string, changes?: Partial<Person>): Person
  /** The boss asks to overwrite what is precious. */
  file(by?: Person): Promise<RequestView>
  click(name: string, request: AnyRequestView, by: Person, more?: Record<string, unknown>): ReturnType<Ask>
}

export function officeOf(world: World): Office {
  const { ask } = askIn(world)
  const members = [people.carol, people.dora]
  const person: Office['person'] = (id, changes) =>
    slackPerson(id, [], {
      inGroup: (group) => Promise.resolve(group === leads && members.includes(id)),
      ...changes,
    })
  return {
    ask,
    leads: members,
    person,
    file: async (by = person(people.boss)) => {
      const reply = await ask(overwriting, by)
      if (reply.type !== 'plan') throw new TypeError(reply.type)
      return reply.request as RequestView
    },
    click: (name, { id, version }, by, more = {}) =>
      ask({ name, args: { request: id, version, ...more } }, by),
  }
}

/** What people saw of a request, newest last: `request/<id>…` → the texts of its bodies. */
export function told(world: World, id: string): string[] {
  return world.notifier.posts.filter(({ key }) => key.startsWith(`request/${id}`)).map(({ key }) => key)
}
