/** Writes docs/faults.md from the table of faults: run it after changing that. */
import { writeFileSync } from 'node:fs'
import { faultsPage } from '../test/faults/faults-page.ts'

writeFileSync(new URL('../docs/faults.md', import.meta.url), faultsPage())
