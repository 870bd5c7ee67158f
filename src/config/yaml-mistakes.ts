import type { YAMLError } from 'yaml'
import { shorten } from './shown.ts'

/** What the YAML parser says, in words for who wrote the file. */
export function yamlMistake(error: YAMLError, text: string): { wrong: string; instead: string } {
  const known = words[error.code]
  const line = lineAt(text, error.pos[0])
  if (/[{[,].*\$\{/.test(line))
    return { wrong: '${…} stands inside { } or [ ] without quotes', instead: 'put it into quotes: "${NAME}"' }
  const indented = indentation.find(({ says }) => error.message.startsWith(says))
  if (indented) return { wrong: indented.wrong, instead: indented.instead }
  if (known) return known(text.slice(error.pos[0]).split(/[:\s]/, 1)[0] ?? '')
  return {
    wrong: `not YAML: ${lowerFirst(error.message.replace(/: ".*$/s, ''))}`,
    instead: 'check its indentation, brackets and quotes',
  }
}

const words: Partial<Record<YAMLError['code'], (at: string) => { wrong: string; instead: string }>> = {
  TAB_AS_INDENT: () => ({ wrong: 'a tab is used as indentation', instead: 'use spaces' }),
  TAG_RESOLVE_FAILED: (at) => ({ wrong: `the tag ${shorten(at)} is not known`, instead: 'remove it' }),
  BLOCK_AS_IMPLICIT_KEY: () => ({
    wrong: 'a value holds ": "',
    instead: 'put the value into quotes, or start it on its own line',
  }),
  BAD_SCALAR_START: (at) => ({
    wrong: `a value cannot begin with ${at.slice(0, 1)}`,
    instead: 'put the value into quotes',
  }),
}

/** Lines that begin too far in or out, by what the parser says of them. */
const indentation = [
  {
    says: 'Sequence item without - indicator',
    wrong: 'this line belongs neither to the item above nor to a new one',
    instead: 'indent it as far as the keys of the item above, or begin it with "- "',
  },
  {
    says: 'All mapping items must start at the same column',
    wrong: 'this line is indented neither like the key above nor like one below it',
    instead: 'begin it exactly below the keys it belongs to',
  },
]

function lineAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? ''
}

function lowerFirst(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1)
}
