import { limits } from '../limits.ts'
import {
  anyText,
  below,
  boolean,
  byType,
  id,
  isObject,
  list,
  mrkdwn,
  number,
  object,
  plainText,
  refuse,
  required,
  string,
  type,
  url,
} from './rules.ts'
import type { At, Json, Rule } from './rules.ts'
import { richText } from './rich-text.ts'

const confirm = object({
  title: required(plainText(limits.confirm.title)),
  text: required(anyText(limits.confirm.text)),
  confirm: required(plainText(limits.confirm.button)),
  deny: required(plainText(limits.confirm.button)),
  style: string({ oneOf: ['primary', 'danger'] }),
})

const style = string({ oneOf: ['primary', 'danger'] })
const placeholder = plainText(limits.placeholder)
const base = { action_id: id, confirm, focus_on_load: boolean }
const typed = { ...base, placeholder }
const dispatch = object({
  trigger_actions_on: list(string({ oneOf: ['on_enter_pressed', 'on_character_entered'] }), { max: 2 }),
})

function option(text: Rule, more: Record<string, Rule> = {}): Rule {
  return object({
    text: required(text),
    value: required(string({ max: limits.option.value })),
    description: plainText(limits.option.description),
    ...more,
  })
}

const plainOption = option(plainText(limits.option.text))
const richOption = option(anyText(limits.option.text))
const linkOption = option(plainText(limits.option.text), { url })

function uniqueValues(options: unknown, at: At): void {
  if (!Array.isArray(options)) return
  const values = options.filter(isObject).map((one) => one['value'])
  if (new Set(values).size !== values.length) refuse(at, 'option values must be unique')
}

function options(item: Rule, max: number): Rule {
  const rule = list(item, { max })
  return {
    check(value, at) {
      rule.check(value, at)
      uniqueValues(value, at)
    },
  }
}

const optionGroups = list(
  object({
    label: required(plainText(limits.option.groupLabel)),
    options: required(options(plainOption, limits.select.options)),
  }),
  { max: limits.select.optionGroups },
)

const choices = { options: options(plainOption, limits.select.options), option_groups: optionGroups }

function offersOptions(value: Json, at: At): void {
  const given = [value['options'], value['option_groups']].filter((one) => one !== undefined)
  if (given.length !== 1) refuse(at, 'must provide either options or option_groups')
}

function initialIsOffered(value: Json, at: At): void {
  const initial = value['initial_option']
  if (!isObject(initial)) return
  const groups = Array.isArray(value['option_groups']) ? value['option_groups'] : []
  const offered = [
    value['options'],
    ...groups.map((group) => (isObject(group) ? group['options'] : [])),
  ].flat()
  const same = offered.some((one) => isObject(one) && one['value'] === initial['value'])
  if (!same) refuse(below(at, 'initial_option'), 'initial_option must be one of the options')
}

const filter = object({
  include: list(string({ oneOf: ['im', 'mpim', 'private', 'public'] }), { max: 4 }),
  exclude_external_shared_channels: boolean,
  exclude_bot_users: boolean,
})

export const button = object({
  type: type('button'),
  action_id: id,
  confirm,
  style,
  url,
  text: required(plainText(limits.button.text)),
  value: string({ max: limits.button.value }),
  accessibility_label: string({ max: limits.button.accessibilityLabel }),
})

const many = { max_selected_items: number({ min: 1, integer: true }) }
const date = string({ pattern: /^\d{4}-\d\d-\d\d$/ })
const time = string({ pattern: /^\d\d:\d\d$/ })

const selects: Record<string, Rule> = {
  static_select: object(
    { type: type('static_select'), ...typed, ...choices, initial_option: plainOption },
    (value, at) => {
      offersOptions(value, at)
      initialIsOffered(value, at)
    },
  ),
  multi_static_select: object(
    {
      type: type('multi_static_select'),
      ...typed,
      ...choices,
      ...many,
      initial_options: list(plainOption, { max: 100 }),
    },
    offersOptions,
  ),
  external_select: object({
    type: type('external_select'),
    ...typed,
    initial_option: plainOption,
    min_query_length: number({ min: 0, integer: true }),
  }),
  multi_external_select: object({
    type: type('multi_external_select'),
    ...typed,
    ...many,
    initial_options: list(plainOption, { max: 100 }),
    min_query_length: number({ min: 0, integer: true }),
  }),
  users_select: object({ type: type('users_select'), ...typed, initial_user: id }),
  multi_users_select: object({
    type: type('multi_users_select'),
    ...typed,
    ...many,
    initial_users: list(id, { max: 100 }),
  }),
  conversations_select: object({
    type: type('conversations_select'),
    ...typed,
    initial_conversation: id,
    default_to_current_conversation: boolean,
    response_url_enabled: boolean,
    filter,
  }),
  channels_select: object({
    type: type('channels_select'),
    ...typed,
    initial_channel: id,
    response_url_enabled: boolean,
  }),
}

const pickers: Record<string, Rule> = {
  datepicker: object({ type: type('datepicker'), ...typed, initial_date: date }),
  timepicker: object({ type: type('timepicker'), ...typed, initial_time: time, timezone: string() }),
  datetimepicker: object({
    type: type('datetimepicker'),
    ...base,
    initial_date_time: number({ integer: true }),
  }),
  radio_buttons: object(
    {
      type: type('radio_buttons'),
      ...base,
      options: required(options(richOption, limits.choices)),
      initial_option: richOption,
    },
    initialIsOffered,
  ),
  checkboxes: object({
    type: type('checkboxes'),
    ...base,
    options: required(options(richOption, limits.choices)),
    initial_options: list(richOption, { max: limits.choices }),
  }),
}

const overflow = object({
  type: type('overflow'),
  action_id: id,
  confirm,
  options: required(options(linkOption, limits.overflow)),
})

const inputBase = { action_id: id, placeholder, focus_on_load: boolean, dispatch_action_config: dispatch }
const textInputs: Record<string, Rule> = {
  plain_text_input: object({
    type: type('plain_text_input'),
    ...inputBase,
    initial_value: string({ min: 0, max: limits.textInput }),
    multiline: boolean,
    min_length: number({ min: 0, max: limits.textInput, integer: true }),
    max_length: number({ min: 1, max: limits.textInput, integer: true }),
  }),
  number_input: object({
    type: type('number_input'),
    ...inputBase,
    is_decimal_allowed: required(boolean),
    initial_value: string(),
    min_value: string(),
    max_value: string(),
  }),
  email_text_input: object({ type: type('email_text_input'), ...inputBase, initial_value: string() }),
  url_text_input: object({ type: type('url_text_input'), ...inputBase, initial_value: string() }),
  rich_text_input: object({ type: type('rich_text_input'), ...inputBase, initial_value: richText }),
}

const image = object(
  {
    type: type('image'),
    image_url: url,
    alt_text: required(string({ max: limits.image.altText })),
    slack_file: object({ id, url }),
  },
  (value, at) => {
    if ((value['image_url'] === undefined) === (value['slack_file'] === undefined)) {
      refuse(at, 'must provide either image_url or slack_file')
    }
  },
)

const feedbackSide = object({
  text: required(plainText(limits.button.text)),
  value: required(string({ max: limits.button.value })),
  accessibility_label: string({ max: limits.button.accessibilityLabel }),
})

export const accessory = byType('accessory', () => ({ button, image, overflow, ...selects, ...pickers }))
export const actionElement = byType('action element', () => ({ button, overflow, ...selects, ...pickers }))
export const inputElement = byType('input element', () => ({ ...textInputs, ...selects, ...pickers }))
export const contextElement = byType('context element', () => ({
  image,
  plain_text: plainText(limits.text),
  mrkdwn: mrkdwn(limits.text),
}))
export const contextAction = byType('context action', () => ({
  feedback_buttons: object({
    type: type('feedback_buttons'),
    action_id: id,
    positive_button: required(feedbackSide),
    negative_button: required(feedbackSide),
  }),
  icon_button: object({
    type: type('icon_button'),
    action_id: id,
    confirm,
    icon: required(string()),
    text: required(plainText(limits.button.text)),
    value: string({ max: limits.button.value }),
    visible_to_user_ids: list(id, { max: 100 }),
    accessibility_label: string({ max: limits.button.accessibilityLabel }),
  }),
}))
