import { Type } from 'typebox'
import { defineCommand } from './command.ts'
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
  async run(_args, { engine }) {
    const storages = await engine.syncCatalogue()
    const broken = storages.flatMap((each) =>
      each.broken.map((object) => ({ storage: each.storage, ...object })),
    )
    return {
      type: 'facts',
      title: broken.length === 0 ? 'catalogue is what the places hold' : `${broken.length} broken manifests`,
      facts: [
        ...storages.map(({ storage, found, added, removed, foreign }) => ({
          label: storage,
          cell: text(`${found} found, ${added} added, ${removed} removed, ${foreign} of other installations`),
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
