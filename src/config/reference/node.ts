import type { TSchema } from 'typebox'
import type { Reading } from '../readings.ts'
import type { Later } from '../schema/words.ts'

/** The parts of our schemas that the generated files are made from. */
export interface Node {
  type?: string
  reads?: Reading
  description?: string
  default?: unknown
  examples?: unknown[]
  secret?: true
  expected?: string
  later?: Later
  url?: true
  folder?: true
  const?: unknown
  enum?: unknown[]
  pattern?: string
  anyOf?: Node[]
  items?: Node
  properties?: Record<string, Node>
  patternProperties?: Record<string, Node>
  required?: string[]
  [keyword: string]: unknown
}

/** Any schema of ours, seen in this way. */
export function asNode(schema: TSchema): Node {
  return schema as Node
}
