import { Type } from 'typebox'
import { defineCommand, type Engine } from './command.ts'
import { plural } from './phrases.ts'
import { text } from './reply.ts'

export const catalogSync = defineCommand({
  name: 'catalog sync',
  aliases: [],
  summary: 'Rebuild the list of backups from what the places hold',
  usage: '',
  role: 'admin',
  open: false,
  faces: ['cli'],
  args: Type.Object({}),
  positional: [],
  audited: 'catalog.sync',
  async run(_args, { engine }) {
    const storages = await engine.syncCatalogue()
    const broken = storages.flatMap((each) =>
      each.broken.map((object) => ({ storage: each.storage, ...object })),
    )
    return {
      type: 'facts',
      title: titleOf(storages, broken.length),
      facts: [
        ...storages.map(({ storage, found, added, removed, foreign, failed }) => ({
          label: storage,
          cell: text(
            failed
              ? `could not be read, what was known of it stays: ${failed.text}${failed.hint ? ` (${failed.hint})` : ''}`
              : `${found} found, ${added} added, ${removed} removed, ${foreign} of other installations`,
          ),
        })),
        ...broken.map(({ storage, key, why }) => ({
          label: `broken in ${storage}`,
          cell: text(`${key}: ${why}`),
        })),
      ],
      data: storages,
    }
  },
})

type Reports = Awaited<ReturnType<Engine['syncCatalogue']>>

function titleOf(storages: Reports, broken: number): string {
  const failed = storages.filter((each) => each.failed !== null).length
  if (failed > 0) return `${plural(failed, 'place')} could not be read`
  return broken === 0 ? 'catalogue is what the places hold' : plural(broken, 'broken file')
}
