import type { CommandContext } from './command.ts'

/** Old backups are nobody's own, and overwriting takes something away: whoever decides must be an admin now (product §5).
 * @throws Fault not-found · denied */
export async function mayDecide(
  { engine, gate, person }: Pick<CommandContext, 'engine' | 'gate' | 'person'>,
  id: string,
): Promise<void> {
  const request = await engine.request(id)
  const act = { role: 'admin', open: false } as const
  if (request.kind === 'prune')
    await gate.allow(person, { ...act, command: 'prune', strategy: request.plan.strategy })
  else if (request.plan.target.overwritten)
    await gate.allow(person, { ...act, command: 'restore --clean', strategy: request.plan.backup.strategy })
}
