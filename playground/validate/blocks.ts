import { limits } from '../limits.ts'
import { accessory, actionElement, contextAction, contextElement, inputElement } from './elements.ts'
import { richText } from './rich-text.ts'
import {
  anyText,
  below,
  boolean,
  byType,
  id,
  isObject,
  list,
  newReport,
  object,
  plainText,
  refuse,
  required,
  string,
  type,
  url,
  words,
} from './rules.ts'
import type { At, Json, Report, Rule, Surface } from './rules.ts'
import { chart, dataTable, table } from './tables.ts'

const section = object(
  {
    type: type('section'),
    block_id: id,
    text: anyText(limits.section.text),
    accessory,
    expand: boolean,
    fields: list(anyText(limits.section.fieldText), { max: limits.section.fields }),
  },
  (value, at) => {
    if (value['text'] === undefined && value['fields'] === undefined)
      refuse(at, 'must provide text or fields')
  },
)

const image = object({
  type: type('image'),
  block_id: id,
  image_url: url,
  slack_file: object({ id, url }),
  alt_text: required(string({ max: limits.image.altText })),
  title: plainText(limits.image.title),
})

const input = object({
  type: type('input'),
  block_id: id,
  optional: boolean,
  dispatch_action: boolean,
  label: required(plainText(limits.input.label)),
  hint: plainText(limits.input.hint),
  element: required(inputElement),
})

const taskCard = object(
  {
    type: type('task_card'),
    block_id: id,
    task_id: required(id),
    title: required(words(limits.text)),
    status: required(string({ oneOf: ['pending', 'in_progress', 'complete', 'error'] })),
    details: richText,
    output: richText,
    sources: list(object({ type: type('url'), url: required(url), text: required(string()) }), { max: 20 }),
  },
  (value, at) => {
    const taskId = value['task_id']
    if (typeof taskId !== 'string') return
    if (at.report.taskIds.has(taskId)) refuse(below(at, 'task_id'), `task_id ${taskId} already exists`)
    at.report.taskIds.add(taskId)
  },
)

const everywhere: Record<string, Rule> = {
  section,
  image,
  input,
  header: object({ type: type('header'), block_id: id, text: required(plainText(limits.header)) }),
  divider: object({ type: type('divider'), block_id: id }),
  context: object({
    type: type('context'),
    block_id: id,
    elements: required(list(contextElement, { max: limits.context })),
  }),
  actions: object({
    type: type('actions'),
    block_id: id,
    elements: required(list(actionElement, { max: limits.actions })),
  }),
  rich_text: richText,
}

const bySurface: Record<Surface, Record<string, Rule>> = {
  message: {
    ...everywhere,
    markdown: object({ type: type('markdown'), block_id: id, text: required(words(limits.markdown)) }),
    table,
    data_table: dataTable,
    data_visualization: chart,
    context_actions: object({
      type: type('context_actions'),
      block_id: id,
      elements: required(list(contextAction, { max: limits.contextActions })),
    }),
    task_card: taskCard,
    plan: object({
      type: type('plan'),
      block_id: id,
      title: required(words(limits.text)),
      tasks: list(taskCard, { min: 0, max: limits.plan.tasks }),
    }),
  },
  home: { ...everywhere, data_table: dataTable, data_visualization: chart },
  modal: {
    ...everywhere,
    alert: object({
      type: type('alert'),
      block_id: id,
      text: required(anyText(limits.alert)),
      level: string({ oneOf: ['default', 'info', 'warning', 'error', 'success'] }),
    }),
  },
}

/** Every reason why Slack would refuse these blocks on this surface; empty when it would take them.
 * @returns problems in Slack's words, and the characters of all texts together */
export function checkBlocks(
  blocks: unknown,
  surface: Surface,
  at: At = { path: '/blocks', report: newReport(surface) },
): Report {
  const max = surface === 'message' ? limits.message.blocks : limits.view.blocks
  const one: Rule = { check: checkBlock }
  list(one, { min: 0, max }).check(blocks, at)
  if (Array.isArray(blocks)) checkCounts(blocks.filter(isObject), at)
  return at.report
}

function checkBlock(value: unknown, at: At): void {
  byType(`block in a ${at.report.surface}`, () => bySurface[at.report.surface]).check(value, at)
  if (!isObject(value)) return
  const blockId = value['block_id']
  if (typeof blockId === 'string') {
    if (at.report.blockIds.has(blockId)) refuse(below(at, 'block_id'), `block_id ${blockId} already exists`)
    at.report.blockIds.add(blockId)
  }
  uniqueActionIds(value, at)
}

function uniqueActionIds(block: Json, at: At): void {
  const elements = Array.isArray(block['elements']) ? block['elements'].filter(isObject) : []
  const ids = elements.map((element) => element['action_id']).filter((one) => typeof one === 'string')
  for (const [index, one] of ids.entries()) {
    if (ids.indexOf(one) !== index) refuse(below(at, 'elements'), `action_id ${one} already exists`)
  }
}

function checkCounts(blocks: Json[], at: At): void {
  if (at.report.surface !== 'message') return
  const count = (name: string): number => blocks.filter((block) => block['type'] === name).length
  if (count('table') > limits.table.perMessage)
    refuse(at, `no more than ${limits.table.perMessage} table allowed`)
  if (count('data_visualization') > limits.chart.perMessage) {
    refuse(at, `no more than ${limits.chart.perMessage} data_visualization blocks allowed`)
  }
  const characters = blocks
    .filter((block) => block['type'] === 'data_table')
    .reduce((sum, block) => sum + tableCharacters(block), 0)
  if (characters > limits.dataTable.characters) {
    refuse(at, `must be less than ${limits.dataTable.characters + 1} characters in all data tables`)
  }
}

function tableCharacters(block: Json): number {
  const report = newReport('message')
  const rows = Array.isArray(block['rows']) ? block['rows'].flat().filter(isObject) : []
  return rows.reduce(
    (sum, cell) => sum + (typeof cell['text'] === 'string' ? cell['text'].length : 0),
    report.characters,
  )
}
