import { createAsk, type Ask } from '../../src/commands/ask.ts'
import { createGate } from '../../src/gate/create-gate.ts'
import type { Gate, Person } from '../../src/gate/gate.ts'
import { createRecorder, type Recorder } from '../../src/gate/recorder.ts'
import type { World } from './world.ts'

/** Gate and commands over a world, wired as app.ts does it. */
export function askIn(world: World): { ask: Ask; gate: Gate; record: Recorder } {
  const { context, engine } = world
  const { clock, database, log, scrub } = context
  const record = createRecorder({ database, clock, scrub })
  const gate = createGate({ log, rules: () => context.config, record })
  return { gate, record, ask: createAsk({ engine, gate, clock, record }) }
}

/** Lets everybody do everything. */
export const openGate: Gate = { allow: () => Promise.resolve(), may: () => Promise.resolve(true) }

export const onHost: Person = { actor: { via: 'cli', id: 'root' }, admin: true, outsider: null }

/** Somebody in Slack. @param groups  the user groups they are in, as Slack tells it */
export function slackPerson(
  id: string,
  groups: readonly string[] = [],
  changes: Partial<Person> = {},
): Person {
  return {
    actor: { via: 'slack', id, team: 'T0EASYBKP' },
    admin: false,
    outsider: null,
    inGroup: (group) => Promise.resolve(groups.includes(group)),
    ...changes,
  }
}
