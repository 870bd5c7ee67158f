import { Type, type Static } from 'typebox'
import { count, group, reading, text } from './words.ts'

const file = (description: string, example: string) =>
  text({ description: `${description}; relative to the folder of this file`, examples: [example] })

const tls = group(
  {
    mode: text({
      description:
        'As the database calls it, or as PostgreSQL does: `require` encrypts, `verify-ca` and `verify-full` also check who answers. Default: `verify-full` with `ca`, else `require`',
      examples: ['verify-full'],
    }),
    ca: file('Certificates of the authorities that are believed (PEM)', './ca.pem'),
    cert: file('Our own certificate (PEM)', './client.pem'),
    key: file('Its key, which nobody else may read (PEM, mode 0600)', './client.key'),
  },
  { description: 'TLS with files of its own' },
)

/** In place of `database_url`, for who would rather not write a URL. */
export const connection = Type.Optional(
  group(
    {
      type: Type.String({ description: 'Kind of database, as in the URL', examples: ['postgres'] }),
      host: Type.Optional(
        Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, description: 'Servers' })], {
          description:
            'Server; several where the database takes several, each with a port of its own if need be',
          expected: 'a server, or a list of them',
          examples: ['prod-db', ['db-1', 'db-2:5433']],
        }),
      ),
      port: count({ description: 'Port of the server', minimum: 1, maximum: 65_535, examples: [5432] }),
      user: text({ description: 'User', examples: ['backup'] }),
      password: Type.Optional(
        Type.String({ description: 'Password, as it is', secret: true, examples: ['${DB_PASSWORD}'] }),
      ),
      database: Type.String({
        description: 'Name of the database; for SQLite its file',
        examples: ['myapp'],
      }),
      tls: Type.Optional(
        Type.Union([Type.Boolean(), reading('tls', { description: 'A mode' }), tls], {
          description: 'true, false, a mode of the database such as `verify-full`, or a group with files',
          expected: 'true, false, a mode, or a group with mode, ca, cert and key',
          examples: [true, { ca: './ca.pem' }],
        }),
      ),
      socket: text({
        description:
          'Folder of the server’s socket, in place of `host`; of MySQL and MariaDB the socket itself',
        examples: ['/var/run/postgresql'],
      }),
    },
    { description: 'The database in single fields, in place of `database_url`' },
  ),
)

export type ConnectionFile = NonNullable<Static<typeof connection>>
