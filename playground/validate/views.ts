import { limits } from '../limits.ts'
import { checkBlocks } from './blocks.ts'
import {
  boolean,
  id,
  isObject,
  newReport,
  object,
  plainText,
  refuse,
  required,
  string,
  type,
} from './rules.ts'
import type { Json, Rule } from './rules.ts'

const common: Record<string, Rule> = {
  blocks: required({ check: () => undefined }), // checked below, with the surface's own rules
  private_metadata: string({ min: 0, max: limits.view.privateMetadata }),
  callback_id: id,
  external_id: id,
}

const kinds: Record<string, Rule> = {
  home: object({ type: type('home'), ...common }),
  modal: object({
    type: type('modal'),
    ...common,
    title: required(plainText(limits.view.title)),
    submit: plainText(limits.view.submit),
    close: plainText(limits.view.close),
    clear_on_close: boolean,
    notify_on_close: boolean,
    submit_disabled: boolean,
  }),
}

/** Why Slack would refuse this view: Slack's error code and its messages, or null when it would take it. */
export function refusedView(
  view: unknown,
  wanted: 'modal' | 'home',
): { error: string; messages: string[] } | null {
  const report = newReport(wanted)
  const at = { path: '/view', report }
  if (!isObject(view))
    return { error: 'invalid_arguments', messages: ['[ERROR] missing required field: view'] }
  if (view['type'] !== wanted) refuse({ path: '/view/type', report }, `must be ${wanted}`)
  else kinds[wanted]?.check(view, at)
  checkBlocks(view['blocks'] ?? [], wanted, { path: '/view/blocks', report })
  if (hasInputs(view) && view['type'] === 'modal' && view['submit'] === undefined) {
    refuse(at, 'missing required field: submit (the view has input blocks)')
  }
  if (report.problems.length > 0) return { error: 'invalid_arguments', messages: report.problems }
  if (Buffer.byteLength(JSON.stringify(view)) > limits.view.bytes) {
    return {
      error: 'view_too_large',
      messages: [`[ERROR] must be less than ${limits.view.bytes + 1} bytes [json-pointer:/view]`],
    }
  }
  return null
}

function hasInputs(view: Json): boolean {
  return (
    Array.isArray(view['blocks']) &&
    view['blocks'].some((block) => isObject(block) && block['type'] === 'input')
  )
}
