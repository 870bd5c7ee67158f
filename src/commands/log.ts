import { Type } from 'typebox'
import { Fault } from '../core/faults.ts'
import { aboutRun } from './about.ts'
import { defineCommand, type Engine } from './command.ts'
import { runField } from './fields.ts'

export const log = defineCommand({
  name: 'log',
  aliases: [],
  summary: 'What the tools of a run said',
  usage: '<run | strategy>',
  role: 'view',
  open: true,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({ run: runField('a run, or a strategy for its last run') }),
  positional: ['run'],
  about: aboutRun,
  async run(args, { engine }) {
    const run = await engine.run(await runIdOf(engine, args.run))
    const lines = await engine.runLog(run.id)
    const said = lines.trimEnd() || `run ${run.id} of ${run.strategy}: its tools said nothing`
    return { type: 'text', text: said, data: { run: run.id, strategy: run.strategy, log: lines } }
  },
})

async function runIdOf(engine: Engine, named: string): Promise<string> {
  if (!engine.strategyNames().includes(named)) return named
  const [last] = await engine.runs({ strategy: named, limit: 1 })
  if (last) return last.id
  throw new Fault('not-found', `${named} has not run yet`, { hint: `\`run ${named}\` starts it` })
}
