import { Type } from 'typebox'
import { Fault } from '../core/faults.ts'
import type { RunView } from '../core/model.ts'
import { aboutBackup, aboutSelected, type About } from './about.ts'
import { defineCommand, type CommandContext, type Engine } from './command.ts'
import { backupOrTagField, levelField, strategyField } from './fields.ts'
import { keyFileField, keyPath, refuseKeyFile } from './key-file.ts'
import type { Reply } from './reply.ts'
import { backupOf, isTag, selectStrategies } from './select.ts'

export const verify = defineCommand({
  name: 'verify',
  aliases: [],
  summary: 'Read a stored backup again and prove that it is whole; or all of them',
  usage:
    '<backup | strategy | latest> [--strategy NAME] [--level V1|V2] [--key-file PATH] | --all [strategy | tag:x]',
  role: 'operate',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: Type.Optional(backupOrTagField('a backup, or a strategy for its newest')),
    strategy: Type.Optional(strategyField('whose latest')),
    level: Type.Optional(
      levelField(['V1', 'V2'], 'V1: digest read again; V2: decoded whole; usual is V2, with --all V1'),
    ),
    keyFile: Type.Optional(keyFileField()),
    all: Type.Optional(
      Type.Boolean({ description: 'every backup, or every one of a strategy or tag, in all places' }),
    ),
  }),
  positional: ['backup'],
  about: (args, engine) => aboutVerify(args, engine),
  audited: 'verify',
  async run({ all = false, ...asked }, context): Promise<Reply> {
    refuseKeyFile(asked.keyFile, context.actor)
    return all ? verifyAll(asked, context) : verifyOne(asked, context)
  },
})

interface Asked {
  backup?: string
  strategy?: string
  level?: 'V1' | 'V2'
  keyFile?: string
}

function aboutVerify({ all, ...asked }: Asked & { all?: boolean }, engine: Engine): Promise<About> {
  if (all) return aboutSelected({ what: selectorOf(asked) }, engine)
  return aboutBackup({ ...asked, backup: needed(asked.backup) }, engine)
}

/** Which of all: a strategy or a tag; without one, each. */
function selectorOf({ backup, strategy }: Asked): string {
  return strategy ?? backup ?? 'all'
}

function needed(backup: string | undefined): string {
  if (backup === undefined)
    throw new Fault('usage', 'which backup?', {
      hint: 'name one or a strategy, or write `verify --all` for every one',
    })
  if (isTag(backup))
    throw new Fault('usage', 'a tag stands for many backups', { hint: `write \`verify --all ${backup}\`` })
  return backup
}

async function verifyOne(
  { backup, strategy, level = 'V2', keyFile }: Asked,
  { engine, actor }: CommandContext,
): Promise<Reply> {
  const asked = backupOf(engine, needed(backup), strategy)
  const { view, note } = await engine.backup(asked.backup, asked.strategy)
  const run = await engine.startVerify(view.id, { level, keyFile: keyPath(keyFile) }, actor)
  return { type: 'run', run, note }
}

async function verifyAll(asked: Asked, { engine, gate, person, actor }: CommandContext): Promise<Reply> {
  const { level = 'V1', keyFile } = asked
  if (keyFile !== undefined)
    throw new Fault('usage', '--key-file is for one backup', {
      hint: 'set encryption.identity_file to decode all',
    })
  const strategies = await selectStrategies(engine, selectorOf(asked))
  const act = { command: 'verify --all', role: 'operate', open: false, strategy: null } as const
  await gate.allow(person, { ...act, strategies }) // reads everything: not for everyone, as one backup is
  const runs: RunView[] = []
  for (const name of strategies) runs.push(await engine.startVerifyAll(name, level, actor))
  return runs.length === 1 ? { type: 'run', run: runs[0]!, note: null } : { type: 'runs', runs, note: null }
}
