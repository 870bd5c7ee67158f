import { BSON } from 'mongodb'

export function document(value: BSON.Document): Buffer {
  return Buffer.from(BSON.serialize(value))
}
