import type { Config } from '../core/config.ts'
import type { EngineContext } from '../engine/context.ts'
import type { Notifier } from '../notifiers/notifier.ts'
import { notifiers } from '../notifiers/registry.ts'

/** Slack, which stays, and those that the configuration names: they are opened anew with each configuration, so that a reload
 * gives another chance to one that was switched off. */
export function notifiersOf(
  context: EngineContext,
  slack: () => Promise<Notifier | null>,
): EngineContext['notifiers'] {
  let of: Config | null = null
  let opened: Notifier[] = []
  return async () => {
    const face = await slack()
    const { config } = context
    if (config !== of) opened = openNotifiers(context)
    of = config
    return face === null ? opened : [face, ...opened]
  }
}

export function openNotifiers({ config, ...context }: EngineContext): Notifier[] {
  return config.notifications.map((one) =>
    notifiers.find(({ kind }) => kind === one.kind)!.open(one, context),
  )
}
