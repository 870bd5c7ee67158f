import type { Document } from 'mongodb'
import { asFault, Fault } from '../../core/faults.ts'
import { withSession, type SessionNeeds } from './session.ts'
import type { Connection } from './url.ts'

const answerMs = 5 * 60_000 // a question to all documents of a large collection

/** A question is a command as JSON: `{"count": "orders"}`, or `aggregate` or `find` with all its keys. The first value that it
 * answers counts. */
export async function ask(
  connection: Connection,
  question: string,
  needs: Pick<SessionNeeds, 'context' | 'signal'>,
): Promise<string | null> {
  const command = await readCommand(question)
  return withSession(connection, { ...needs, deadlineMs: answerMs }, async ({ db }) =>
    firstOf(await db.command(command)),
  ).catch((error: unknown) => {
    needs.signal?.throwIfAborted()
    const fault = asFault(error)
    if (/exceeded time limit|timed out/i.test(fault.message))
      throw new Fault('timed-out', 'it was not answered within five minutes', { cause: error, retry: false })
    const isServers = fault.code === 'database-refused' && fault.message.startsWith('the server said: ')
    throw new Fault(isServers ? 'restore-incomplete' : 'drill-inconclusive', fault.message, { cause: error })
  })
}

/** Extended JSON, so that dates and numbers can be said. Only what reads. */
async function readCommand(question: string): Promise<Document> {
  const { EJSON } = (await import('mongodb')).BSON
  const command = parsed(() => EJSON.parse(question, { relaxed: true }) as Document)
  const [name = ''] = Object.keys(command)
  const writes = JSON.stringify(command.pipeline ?? '').match(/"\$(?:out|merge)"/)
  if (!['count', 'aggregate', 'find', 'distinct'].includes(name) || writes)
    throw new Fault(
      'drill-inconclusive',
      `a check of MongoDB is a count, find, distinct or aggregate, not ${name || 'nothing'}`,
      {
        hint: 'write a command as JSON: {"count": "orders"}',
      },
    )
  return name === 'aggregate' ? { ...command, cursor: {} } : command
}

function parsed(read: () => Document): Document {
  try {
    return read()
  } catch (cause) {
    throw new Fault('drill-inconclusive', 'a check of MongoDB is a command as JSON, and this is not', {
      hint: 'write for example {"count": "orders"}',
      cause,
    })
  }
}

function firstOf(answer: Document): string | null {
  const { n, values, cursor } = answer as {
    n?: number
    values?: unknown[]
    cursor?: { firstBatch: Document[] }
  }
  if (n !== undefined) return String(n)
  if (values !== undefined) return textOf(values[0])
  return textOf(Object.values(cursor?.firstBatch[0] ?? {})[0])
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}
