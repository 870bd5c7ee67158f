/** Writes config/schema.json and docs/configuration.md from the schema and the drivers: run it after changing either. */
import { writeFileSync } from 'node:fs'
import { referencePage } from '../src/config/reference/page.ts'
import { schemaFile } from '../src/config/reference/schema-file.ts'
import { filters } from '../src/filters/registry.ts'
import { notifiers } from '../src/notifiers/registry.ts'
import { sources } from '../src/sources/registry.ts'
import { storages } from '../src/storages/registry.ts'
import { tunnels } from '../src/tunnels/registry.ts'

const drivers = { sources, storages, filters, notifiers, tunnels }
writeFileSync(new URL('../config/schema.json', import.meta.url), schemaFile(drivers))
writeFileSync(new URL('../docs/configuration.md', import.meta.url), referencePage(drivers))
