import { Type, type TSchema } from 'typebox'
import type { Reading } from '../readings.ts'

/** What a key says about itself beside its type; validation, mistakes and the reference page come from it. */
export type Facts = {
  description: string
  default?: unknown
  examples?: unknown[]
  /** Never printed. */
  secret?: true
  /** For people, when the type alone says too little: "a list of Slack ids". */
  expected?: string
  /** Not built yet: its presence stops the start. */
  later?: Later
}

export type Later = {
  /** As people read it: `S3`. */
  what: string
  instead?: string
}

export function text(facts: Facts) {
  return Type.Optional(Type.String(facts))
}

/** Relative to the folder of the configuration file. */
export function folder(facts: Facts) {
  return Type.Optional(Type.String({ ...facts, minLength: 1, folder: true }))
}

/** The password in it is a secret; the source driver judges the rest. */
export function databaseUrl(facts: Facts) {
  return Type.Optional(Type.String({ expected: 'a database URL', ...facts, url: true }))
}

export function flag(facts: Facts) {
  return Type.Optional(Type.Boolean(facts))
}

export function count(facts: Facts & { minimum?: number; maximum?: number }) {
  return Type.Optional(Type.Integer(facts))
}

export function choice<const Values extends readonly string[]>(values: Values, facts: Facts) {
  return Type.Optional(Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], ...facts }))
}

/** Text that has a form of its own (a duration, an id): `reads` names who reads it. */
export function reading(reads: Reading, facts: Facts) {
  return Type.Unsafe<string>({ reads, ...facts })
}

export function duration(facts: Facts) {
  return Type.Optional(reading('duration', facts))
}

/** A share such as `50%`, or `off`. */
export function percent(facts: Facts) {
  return Type.Optional(reading('percent', facts))
}

/** A number of bytes such as `10GiB`, or `off`. */
export function size(facts: Facts) {
  return Type.Optional(reading('size', facts))
}

/** 0 turns the limit off. */
export function limit(facts: Facts) {
  return Type.Optional(Type.Unsafe<string | 0>({ reads: 'limit', ...facts }))
}

export function group<Keys extends Record<string, TSchema>>(keys: Keys, facts: Facts) {
  return Type.Object(keys, { additionalProperties: false, ...facts })
}

/** Accepted by name only, until it is built. */
export function later(description: string, later: Later) {
  return Type.Optional(Type.Unknown({ description, later }))
}
