import { h } from './dom.js'
import { icon } from './icons.js'

const previewLines = 12

/** What the app uploaded, with the beginning of a text. */
export function files(all) {
  return all.map((file) => {
    const lines = file.preview.split('\n')
    const shown = lines.slice(0, previewLines).join('\n')
    return h(
      'div',
      { class: 'file' },
      h(
        'a',
        { class: 'file-head', href: `/files/${file.id}`, target: '_blank', rel: 'noopener' },
        icon('file'),
        h('span', {}, h('b', {}, file.title), h('small', {}, `${file.name} · ${size(file.size)}`)),
      ),
      h('pre', { class: 'file-preview', tabindex: 0 }, shown, lines.length > previewLines && '\n…'),
    )
  })
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${Math.round(bytes / 102.4) / 10} KB`
}
