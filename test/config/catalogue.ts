import { Type } from 'typebox'
import type { DriverCatalogue } from '../../src/config/catalogue.ts'
import { s3 } from '../../src/storages/s3/index.ts'

/** Drivers as the configuration sees them: options, and a judgement of URLs. */
export const drivers: DriverCatalogue = {
  sources: [
    {
      kind: 'postgres',
      name: 'PostgreSQL',
      schemes: ['postgres', 'postgresql'],
      options: Type.Object(
        {
          schemas: Type.Optional(
            Type.Array(Type.String({ minLength: 1 }), { description: 'Only these schemas' }),
          ),
          exclude_table_data: Type.Optional(Type.Array(Type.String())),
          lock_timeout: Type.Optional(
            Type.String({
              pattern: '^[1-9][0-9]*[smh]$',
              default: '60s',
              description: 'Longest wait for a lock',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      parseUrl: parsePostgres,
      at: (url, database) => new URL(`/${database}`, url).href,
    },
    {
      kind: 'sqlite',
      name: 'SQLite',
      schemes: ['sqlite'],
      options: Type.Object({}, { additionalProperties: false }),
      parseUrl: (url) =>
        url.startsWith('sqlite:///')
          ? {
              endpoint: url.slice('sqlite://'.length),
              database: url.slice(url.lastIndexOf('/') + 1),
              secrets: [],
            }
          : { mistake: `${url} has no absolute path`, hint: 'write sqlite:///path/of/file.db' },
    },
  ],
  storages: [
    {
      kind: 'local',
      options: Type.Object(
        { path: Type.String({ minLength: 1, folder: true, description: 'Folder', examples: ['./backups'] }) },
        { additionalProperties: false },
      ),
      judge: ({ path }) =>
        path === '/' ? { mistake: 'backups cannot lie in the root folder', hint: 'name a folder' } : null,
    },
    s3,
  ],
  filters: [compression('gzip', 9), compression('zstd', 19)],
}

function compression(kind: string, maximum: number) {
  const level = Type.Optional(Type.Integer({ minimum: 1, maximum, description: 'From fast to small' }))
  return { kind, options: Type.Object({ level }, { additionalProperties: false }) }
}

function parsePostgres(url: string) {
  if (!URL.canParse(url))
    return { mistake: 'this is not a URL', hint: 'write postgres://user:password@host:5432/database' }
  const { host, pathname, password, searchParams } = new URL(url)
  const mode = searchParams.get('mode')
  if (mode !== null) return { mistake: `unknown mode ${mode}`, hint: 'remove it' }
  if (pathname.length < 2) return { mistake: 'the URL names no database', hint: 'add /name' }
  return {
    endpoint: host,
    database: pathname.slice(1),
    secrets: password === '' ? [] : [password, decodeURIComponent(password)],
  }
}
