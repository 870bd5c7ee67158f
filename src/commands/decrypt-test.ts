import { Type, type Static } from 'typebox'
import { Fault } from '../core/faults.ts'
import { defineCommand, type Engine } from './command.ts'
import { lineField, strategyField } from './fields.ts'
import { text } from './reply.ts'
import { knownStrategy, some } from './select.ts'

const args = Type.Object({
  strategy: Type.Optional(strategyField('whose keys; not needed where only one strategy is encrypted')),
  word: Type.Optional(lineField('word', 'the word that was decrypted', { maxLength: 100 })),
})

export const decryptTest = defineCommand({
  name: 'decrypt-test',
  aliases: [],
  summary: 'Show once that encrypted backups can be decrypted: without it none is made',
  usage: '[strategy] [word]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args,
  positional: ['strategy', 'word'],
  about: async (given, engine) => ({ strategies: [await whose(given, engine)], subject: null }),
  async run(given, { engine, actor }) {
    const strategy = await whose(given, engine)
    if (given.word !== undefined) {
      await engine.passDecryptTest({ strategy, word: given.word }, actor)
      return {
        type: 'text',
        text: `right: backups of ${strategy} can be decrypted, and are made from now on`,
        data: { strategy, passed: true },
      }
    }
    const test = await engine.askDecryptTest(strategy)
    return {
      type: 'facts',
      title: `a word ${test.how}`,
      facts: [
        {
          label: 'Do',
          cell: text(
            'paste this on the machine that has the key (KEYFILE: the file with the private key), not on this host',
          ),
        },
        { label: 'Then', cell: text(`type \`decrypt-test ${strategy} WORD\` with the word that it prints`) },
        ...(test.isTested ? [{ label: 'Note', cell: text('these keys were tested before') }] : []),
      ],
      commands: [test.command],
      data: test,
    }
  },
})

/** As named, else the only one that is encrypted. @throws Fault not-found · usage */
async function whose({ strategy }: Static<typeof args>, engine: Engine): Promise<string> {
  if (strategy !== undefined) return knownStrategy(engine, strategy)
  const encrypted = (await engine.strategies()).filter(({ encryption }) => encryption)
  const [only, ...more] = encrypted.map(({ name }) => name)
  if (only !== undefined && more.length === 0) return only
  if (only === undefined)
    throw new Fault('usage', 'no strategy is encrypted', { hint: 'encryption is set in the configuration' })
  throw new Fault('usage', 'several strategies are encrypted', { hint: `name one: ${some([only, ...more])}` })
}
