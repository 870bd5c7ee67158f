/** Buttons, menus and pickers that act at once: in messages, homes and dialogs. */
import { confirmed } from './confirm.js'
import { h, safeUrl } from './dom.js'
import { plain } from './mrkdwn.js'
import { store } from './store.js'
import { openMenu } from './menu.js'

export function control(element, blockId, surface) {
  const use = async (choice, pressed) => {
    if (element.confirm && !(await confirmed(element.confirm))) return redrawn(element, pressed)
    await busy(pressed, () => surface.act(element, blockId, choice))
  }
  const { type } = element
  if (type === 'button') return button(element, blockId, use)
  if (type === 'overflow') return overflow(element, blockId, use)
  if (type === 'radio_buttons' || type === 'checkboxes')
    return choiceList(element, blockId, surface, (value, pressed) => use(value, pressed))
  if (type === 'datepicker' || type === 'timepicker') return picker(element, blockId, surface, use)
  if (type === 'external_select') return search(element, blockId, surface, (option) => use(option, null))
  if (type.endsWith('select')) {
    return select(element, blockId, surface, (value, pressed) => {
      surface.hold(blockId, element, value)
      return use(value, pressed)
    })
  }
  return h('span', { class: 'unknown' }, `[${type}]`)
}

/** A refused confirmation leaves the menu as it was. */
function redrawn(element, pressed) {
  if (pressed?.tagName === 'SELECT') pressed.value = initialOf(element) ?? ''
}

async function busy(pressed, work) {
  pressed?.setAttribute('aria-busy', 'true')
  try {
    await work()
  } finally {
    pressed?.removeAttribute('aria-busy')
  }
}

export const focusKey = (blockId, element) =>
  `${blockId}/${element.action_id}/${typeof element.value === 'string' ? element.value : ''}`

function button(element, blockId, use) {
  const label = element.accessibility_label
  const style = `button ${element.style ? `button-${element.style}` : ''}`
  if (element.url) {
    return h(
      'a',
      {
        class: style,
        href: safeUrl(element.url),
        target: '_blank',
        rel: 'noopener noreferrer',
        'aria-label': label,
        onclick: () => void use(undefined, null),
      },
      plain(element.text.text),
    )
  }
  return h(
    'button',
    {
      type: 'button',
      class: style,
      'aria-label': label,
      'data-focus': focusKey(blockId, element),
      onclick: (event) => void use(element.value, event.currentTarget),
    },
    h('span', { class: 'button-text' }, plain(element.text.text)),
  )
}

function overflow(element, blockId, use) {
  const open = (event) => {
    const items = element.options.map((option) => ({
      label: option.text.text,
      description: option.description?.text,
      act: () => {
        if (option.url) window.open(safeUrl(option.url), '_blank', 'noopener')
        return use(option.value, null)
      },
    }))
    openMenu(event.currentTarget, items)
  }
  return h(
    'button',
    {
      type: 'button',
      class: 'button button-more',
      'aria-label': 'More options',
      'aria-haspopup': 'menu',
      'data-focus': focusKey(blockId, element),
      onclick: open,
    },
    '•••',
  )
}

function initialOf(element) {
  return (
    element.initial_option?.value ??
    element.initial_user ??
    element.initial_conversation ??
    element.initial_channel ??
    null
  )
}

/** What a menu offers, in groups; people and channels come from the workspace. */
function offers(element) {
  const one = (option) => [option.value, option.text.text]
  if (element.type === 'users_select' || element.type === 'multi_users_select') {
    return [
      [null, store.people.filter((each) => each.kind !== 'deactivated').map((each) => [each.id, each.name])],
    ]
  }
  if (element.type === 'conversations_select' || element.type === 'channels_select') {
    return [[null, store.channels.filter((each) => !each.im).map((each) => [each.id, `#${each.name}`])]]
  }
  if (element.option_groups)
    return element.option_groups.map((group) => [group.label.text, group.options.map(one)])
  return [[null, (element.options ?? []).map(one)]]
}

export function select(element, blockId, surface, onChange, labelledBy) {
  const chosen = surface.value(blockId, element) ?? initialOf(element) ?? ''
  const placeholder = element.placeholder?.text ?? 'Select an option'
  const option = ([value, label]) => h('option', { value, selected: value === chosen }, label)
  const multiple = element.type.startsWith('multi_')
  return h(
    'span',
    { class: multiple ? 'select select-many' : 'select' },
    h(
      'select',
      {
        'aria-label': labelledBy ? undefined : placeholder,
        'aria-labelledby': labelledBy,
        multiple,
        'data-focus': focusKey(blockId, element),
        class: chosen === '' ? 'empty' : '',
        onchange: ({ currentTarget }) => {
          currentTarget.classList.toggle('empty', currentTarget.value === '')
          void onChange(
            multiple
              ? [...currentTarget.selectedOptions].map((one) => one.value)
              : currentTarget.value || null,
            currentTarget,
          )
        },
      },
      multiple
        ? null
        : h('option', { value: '', disabled: true, selected: chosen === '', hidden: true }, placeholder),
      offers(element).map(([label, list]) =>
        label === null ? list.map(option) : h('optgroup', { label }, list.map(option)),
      ),
    ),
  )
}

/** A text box whose options come from the app while one types. */
export function search(element, blockId, surface, onChoose, labelledBy) {
  const listId = `list-${blockId}-${element.action_id}`.replace(/\W/g, '-')
  const held = surface.value(blockId, element) ?? element.initial_option
  const list = h('ul', { class: 'options', role: 'listbox', id: listId, hidden: true })
  const minimum = element.min_query_length ?? 3
  const box = h('input', {
    type: 'text',
    role: 'combobox',
    class: 'text-input',
    'aria-expanded': 'false',
    'aria-controls': listId,
    'aria-autocomplete': 'list',
    autocomplete: 'off',
    'aria-label': labelledBy ? undefined : (element.placeholder?.text ?? 'Search'),
    'aria-labelledby': labelledBy,
    placeholder: element.placeholder?.text ?? 'Type to search',
    value: held?.text?.text ?? '',
    'data-focus': focusKey(blockId, element),
    onkeydown: (event) => keys(event),
    oninput: () => void look(),
    onclick: () => void look(),
    onblur: () => setTimeout(() => list.contains(document.activeElement) || show(false), 150),
  })
  const show = (open) => {
    list.hidden = !open
    box.setAttribute('aria-expanded', String(open))
  }
  const look = async () => {
    if (box.value.length < minimum) return show(false)
    const options = await surface.suggest(element, blockId, box.value)
    const choose = (option) => {
      box.value = option.text.text
      surface.hold(blockId, element, option)
      show(false)
      void onChoose(option)
    }
    list.replaceChildren(...options.map((option) => suggestion(option, choose)))
    show(options.length > 0)
  }
  const keys = (event) => {
    if (event.key === 'Escape' && !list.hidden) {
      event.stopPropagation()
      show(false)
    }
    if (event.key !== 'ArrowDown') return
    event.preventDefault()
    if (list.hidden) void look()
    else list.firstElementChild?.focus()
  }
  return h('span', { class: 'search' }, box, list)
}

function suggestion(option, choose) {
  const onKey = (event) => {
    const { currentTarget: here, key } = event
    if (key !== 'Enter' && key !== 'ArrowDown' && key !== 'ArrowUp') return
    event.preventDefault()
    if (key === 'Enter') choose(option)
    else (key === 'ArrowDown' ? here.nextElementSibling : here.previousElementSibling)?.focus()
  }
  return h(
    'li',
    { role: 'option', tabindex: 0, onmousedown: () => choose(option), onkeydown: onKey },
    option.text.text,
  )
}

export function choiceList(element, blockId, surface, onChange, labelledBy) {
  const isRadio = element.type === 'radio_buttons'
  const initial = isRadio
    ? [element.initial_option?.value]
    : (element.initial_options ?? []).map((one) => one.value)
  const held = surface.value(blockId, element)
  const chosen = new Set(held === undefined ? initial : [held].flat())
  const name = `${surface.key}/${blockId}/${element.action_id}`
  const group = h(
    'div',
    { class: 'choices', role: isRadio ? 'radiogroup' : 'group', 'aria-labelledby': labelledBy },
    element.options.map((option) => {
      const input = h('input', {
        type: isRadio ? 'radio' : 'checkbox',
        name,
        value: option.value,
        checked: chosen.has(option.value),
        onchange: changed,
        'data-focus': `${name}/${option.value}`,
      })
      const description = option.description && h('small', {}, plain(option.description.text))
      return h('label', { class: 'choice' }, input, h('span', {}, plain(option.text.text), description))
    }),
  )
  function changed() {
    const picked = [...group.querySelectorAll('input:checked')].map((one) => one.value)
    const value = isRadio ? (picked[0] ?? null) : picked
    surface.hold(blockId, element, value)
    void onChange(value, null)
  }
  return group
}

export function picker(element, blockId, surface, onChange, labelledBy) {
  const isDate = element.type === 'datepicker'
  return h('input', {
    type: isDate ? 'date' : 'time',
    class: 'text-input picker',
    'aria-labelledby': labelledBy,
    'aria-label': labelledBy ? undefined : (element.placeholder?.text ?? (isDate ? 'Date' : 'Time')),
    value: surface.value(blockId, element) ?? element.initial_date ?? element.initial_time ?? '',
    'data-focus': focusKey(blockId, element),
    onchange: ({ currentTarget }) => {
      surface.hold(blockId, element, currentTarget.value || null)
      void onChange(currentTarget.value || null, currentTarget)
    },
  })
}
