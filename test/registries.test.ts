import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { root } from './support/source-files.ts'

interface Registry {
  folder: string
  /** Name of the exported array. */
  list: string
  /** Members that tell a driver of this folder from anything else it exports. */
  marks: string[]
  /** What people type for it; also the name of its file or folder. */
  nameOf: (driver: Record<string, unknown>) => string
}

const registries: Registry[] = [
  {
    folder: 'sources',
    list: 'sources',
    marks: ['kind', 'schemes', 'open'],
    nameOf: ({ kind }) => String(kind),
  },
  {
    folder: 'filters',
    list: 'filters',
    marks: ['kind', 'extension', 'sniff'],
    nameOf: ({ kind }) => String(kind),
  },
  {
    folder: 'storages',
    list: 'storages',
    marks: ['kind', 'open', 'judge'],
    nameOf: ({ kind }) => String(kind),
  },
  {
    folder: 'notifiers',
    list: 'notifiers',
    marks: ['kind', 'open', 'topics'],
    nameOf: ({ kind }) => String(kind),
  },
  {
    folder: 'tunnels',
    list: 'tunnels',
    marks: ['kind', 'open', 'judge'],
    nameOf: ({ kind }) => String(kind).replaceAll('_', '-'),
  },
  {
    folder: 'commands',
    list: 'commands',
    marks: ['name', 'summary', 'run'],
    nameOf: ({ name }) => String(name).replaceAll(' ', '-'),
  },
]

for (const registry of registries)
  suite(`src/${registry.folder}`, () => {
    test('every driver in the folder is registered, and nothing else', async () => {
      const registered = await registeredIn(registry)
      const found = await driversIn(registry)
      assert.ok(registered.length > 0, 'an empty registry')
      for (const { file, driver } of found)
        assert.ok(registered.includes(driver), `${file} is not in registry.ts`)
      for (const driver of registered)
        assert.ok(
          found.some((one) => one.driver === driver),
          `${registry.nameOf(driver)} is not from this folder`,
        )
    })

    test('each has a name of its own, and its file is named after it', async () => {
      const registered = await registeredIn(registry)
      const names = registered.map(registry.nameOf)
      assert.equal(new Set(names).size, names.length, names.join(' '))
      for (const { file, driver } of await driversIn(registry)) assert.equal(file, registry.nameOf(driver))
    })
  })

test('every folder with a registry is compared here', () => {
  const withRegistry = readdirSync(join(root, 'src')).filter((folder) =>
    existsSync(join(root, 'src', folder, 'registry.ts')),
  )
  assert.deepEqual(withRegistry.toSorted(), registries.map(({ folder }) => folder).toSorted())
})

type Driver = Record<string, unknown>

async function registeredIn({ folder, list }: Registry): Promise<Driver[]> {
  const module = (await import(join(root, 'src', folder, 'registry.ts'))) as Record<string, Driver[]>
  return module[list]!
}

/** What the folder's files, and the indexes of its folders, export that looks like a driver. */
async function driversIn({ folder, marks }: Registry): Promise<{ file: string; driver: Driver }[]> {
  const entries = readdirSync(join(root, 'src', folder), { withFileTypes: true })
  const modules = entries.flatMap((entry) => {
    if (entry.isFile())
      return entry.name === 'registry.ts' ? [] : [{ file: entry.name.replace(/\.ts$/, ''), path: entry.name }]
    const index = join(entry.name, 'index.ts')
    return existsSync(join(root, 'src', folder, index)) ? [{ file: entry.name, path: index }] : []
  })
  const found = await Promise.all(
    modules.map(async ({ file, path }) => {
      const exported = Object.values((await import(join(root, 'src', folder, path))) as object) as unknown[]
      return exported.filter((value) => isDriver(value, marks)).map((driver) => ({ file, driver }))
    }),
  )
  return found.flat()
}

function isDriver(value: unknown, marks: string[]): value is Driver {
  return typeof value === 'object' && value !== null && marks.every((mark) => mark in value)
}
