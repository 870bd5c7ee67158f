/** Input blocks: a label, a field, a hint, and what was wrong with it. */
import { choiceList, focusKey, picker, search, select } from './elements.js'
import { h } from './dom.js'
import { plain } from './mrkdwn.js'

export function field(block, surface) {
  const { element, block_id: blockId } = block
  const id = `field-${surface.key}-${blockId}`.replace(/[^\w-]/g, '-')
  const error = surface.error(blockId)
  const isGroup = element.type === 'radio_buttons' || element.type === 'checkboxes'
  const dispatch = (value) => (block.dispatch_action ? surface.act(element, blockId, value) : undefined)
  return h(
    'div',
    { class: error ? 'field has-error' : 'field' },
    h(
      'span',
      {
        class: 'label',
        id,
        onclick: (event) =>
          isGroup || event.currentTarget.parentElement.querySelector('input,select,textarea')?.focus(),
      },
      plain(block.label.text),
      block.optional && h('span', { class: 'optional' }, ' (optional)'),
    ),
    input(element, blockId, surface, id, dispatch),
    error && h('p', { class: 'field-error', role: 'alert' }, error),
    block.hint && h('p', { class: 'hint' }, plain(block.hint.text)),
  )
}

function input(element, blockId, surface, labelledBy, dispatch) {
  const { type } = element
  if (type === 'radio_buttons' || type === 'checkboxes')
    return choiceList(element, blockId, surface, dispatch, labelledBy)
  if (type === 'datepicker' || type === 'timepicker')
    return picker(element, blockId, surface, dispatch, labelledBy)
  if (type === 'external_select') return search(element, blockId, surface, dispatch, labelledBy)
  if (type.endsWith('select')) {
    const hold = (value) => {
      surface.hold(blockId, element, value)
      return dispatch(value)
    }
    return select(element, blockId, surface, hold, labelledBy)
  }
  return textField(element, blockId, surface, labelledBy, dispatch)
}

const kinds = {
  number_input: 'text',
  email_text_input: 'email',
  url_text_input: 'url',
  plain_text_input: 'text',
}

function textField(element, blockId, surface, labelledBy, dispatch) {
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed']
  const props = {
    class: 'text-input',
    'aria-labelledby': labelledBy,
    placeholder: element.placeholder?.text,
    maxlength: element.max_length,
    autocomplete: 'off',
    'data-focus': focusKey(blockId, element),
    'data-autofocus': element.focus_on_load,
    inputmode: element.type === 'number_input' ? 'decimal' : undefined,
    value: surface.value(blockId, element) ?? element.initial_value ?? '',
    oninput: ({ currentTarget }) => {
      surface.hold(blockId, element, currentTarget.value)
      if (triggers.includes('on_character_entered')) void dispatch(currentTarget.value)
    },
    onkeydown: (event) =>
      event.key === 'Enter' &&
      triggers.includes('on_enter_pressed') &&
      void dispatch(event.currentTarget.value),
  }
  if (element.multiline) return h('textarea', { ...props, rows: 4 })
  return h('input', { type: kinds[element.type] ?? 'text', ...props })
}
