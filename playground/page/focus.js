const reachable =
  'button:not([disabled]),a[href],input:not([disabled]),select:not([disabled]),textarea:not([disabled]),[tabindex="0"]'

/** Tab stays inside. */
export function trapFocus(dialog) {
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'Tab') return
    const all = [...dialog.querySelectorAll(reachable)].filter((one) => one.offsetParent !== null)
    const [first, last] = [all[0], all.at(-1)]
    if (event.shiftKey && document.activeElement === first) {
      event.preventDefault()
      last.focus()
    } else if (!event.shiftKey && document.activeElement === last) {
      event.preventDefault()
      first.focus()
    }
  })
}

/** Where a dialog starts: the field that asks for it, else the first field. */
export function focusFirst(dialog) {
  const wanted =
    dialog.querySelector('[data-autofocus]') ??
    dialog.querySelector('.dialog-body input, .dialog-body select, .dialog-body textarea') ??
    dialog.querySelector('.dialog-foot button:last-child') ??
    dialog.querySelector('button')
  wanted?.focus()
}
