import { h } from './dom.js'
import { trapFocus } from './focus.js'
import { mrkdwn, plain } from './mrkdwn.js'

/** The dialog of a `confirm` object. @returns whether the person agreed */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const before = document.activeElement
    const end = (answer) => {
      overlay.remove()
      before?.focus?.()
      resolve(answer)
    }
    const style = confirm.style === 'danger' ? 'button-danger' : 'button-primary'
    const text = confirm.text.type === 'mrkdwn' ? mrkdwn(confirm.text.text) : plain(confirm.text.text)
    const dialog = h(
      'div',
      {
        class: 'dialog dialog-small',
        role: 'alertdialog',
        'aria-modal': 'true',
        'aria-labelledby': 'confirm-title',
        'aria-describedby': 'confirm-text',
      },
      h('header', { class: 'dialog-head' }, h('h2', { id: 'confirm-title' }, plain(confirm.title.text))),
      h('div', { class: 'dialog-body text', id: 'confirm-text' }, text),
      h(
        'footer',
        { class: 'dialog-foot' },
        h('button', { type: 'button', class: 'button', onclick: () => end(false) }, plain(confirm.deny.text)),
        h(
          'button',
          { type: 'button', class: `button ${style}`, onclick: () => end(true) },
          plain(confirm.confirm.text),
        ),
      ),
    )
    const overlay = h(
      'div',
      {
        class: 'overlay',
        onkeydown: (event) => event.key === 'Escape' && (event.stopPropagation(), end(false)),
      },
      dialog,
    )
    document.body.append(overlay)
    trapFocus(dialog)
    dialog.querySelector('.dialog-foot button:last-child').focus()
  })
}
