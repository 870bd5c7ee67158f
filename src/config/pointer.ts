/** Places inside the file as JSON pointers (RFC 6901), the form ajv speaks. */

export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function parent(pointer: string): string {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf('/')))
}

export function steps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at a pointer; undefined when there is none. */
export function valueAt(root: unknown, pointer: string): unknown {
  return steps(pointer).reduce<unknown>(
    (value, step) => (isContainer(value) && Object.hasOwn(value, step) ? value[step] : undefined),
    root,
  )
}

/** As people write it: `global.slack.channel_id`, `strategies[0].schedule`. */
export function spellPath(pointer: string, root: unknown): string {
  let spelled = ''
  let here = ''
  for (const step of steps(pointer)) {
    const inList = Array.isArray(valueAt(root, here))
    spelled += inList ? `[${step}]` : `${spelled === '' ? '' : '.'}${step}`
    here = child(here, step)
  }
  return spelled === '' ? '(file)' : spelled
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value)
}
