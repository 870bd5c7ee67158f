import { Type, type Static } from 'typebox'
import { basePathOf, judgeBasePath } from '../wrap/base-path.ts'

const secret = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, description, secret: true, examples: [example] }))
const text = (description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, description, examples }))

export const azureOptions = Type.Object(
  {
    container: Type.String({
      minLength: 1,
      description: 'Container of the blobs; it has to exist',
      examples: ['backups'],
    }),
    base_path: text('Folder in the container, of its own for this installation', ['database-backups']),
    account: text('Storage account; a `connection_string` brings its own', ['mycompanybackups']),
    account_key: secret('Key of the account', '${AZURE_STORAGE_KEY}'),
    sas_token: secret('Token with only some rights (SAS), in place of the key', '${AZURE_SAS}'),
    connection_string: secret('As the portal shows it, in place of all of these', '${AZURE_CONNECTION}'),
    endpoint: Type.Optional(
      Type.String({
        reads: 'http-url',
        description: 'Another server of blobs; by default `https://ACCOUNT.blob.core.windows.net`',
        examples: ['https://mycompanybackups.blob.core.chinacloudapi.cn'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Written = Static<typeof azureOptions>

export interface Settings {
  account: string
  /** null: a token, which is part of the address. */
  accountKey: string | null
  sasToken: string | null
  /** Address of the account, without the container. */
  endpoint: string
  container: string
  /** '' or ending in '/'. */
  prefix: string
  /** Shown to people. */
  location: string
}

export function settingsOf(options: Record<string, unknown>): Settings {
  const written = options as Written
  const connection = connectionOf(written.connection_string)
  const account = connection?.account ?? written.account ?? ''
  const endpoint = connection?.endpoint ?? written.endpoint ?? `https://${account}.blob.core.windows.net`
  const base = basePathOf(written.base_path)
  const plain = endpoint.replace(/\/+$/, '')
  return {
    account,
    accountKey: connection?.accountKey ?? written.account_key ?? null,
    sasToken: (connection?.sasToken ?? written.sas_token ?? null)?.replace(/^\?/, '') ?? null,
    endpoint: plain,
    container: written.container,
    prefix: base === '' ? '' : `${base}/`,
    location: `${plain}/${written.container}${base === '' ? '' : `/${base}`}`,
  }
}

interface Connection {
  account: string
  accountKey: string | null
  sasToken: string | null
  endpoint: string
}

/** @returns null when there is none, or it is not one */
function connectionOf(written: string | undefined): Connection | null {
  if (written === undefined) return null
  const parts = new Map(
    written.split(';').map((part) => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const
    }),
  )
  const account = parts.get('accountname') ?? ''
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net'
  const endpoint =
    parts.get('blobendpoint') ??
    (account === '' ? '' : `${parts.get('defaultendpointsprotocol') ?? 'https'}://${account}.blob.${suffix}`)
  const accountKey = parts.get('accountkey') ?? null
  const sasToken = parts.get('sharedaccesssignature') ?? null
  const { username, password, search, hash } = URL.canParse(endpoint) ? new URL(endpoint) : { search: '-' }
  if (username || password || search || hash) return null // the address is shown to people
  if ((accountKey === null) === (sasToken === null)) return null
  if (accountKey !== null && account === '') return null
  return { account, accountKey, sasToken, endpoint }
}

/** What the schema cannot tell. */
export function judgeOptions(options: Record<string, unknown>): { mistake: string; hint: string } | null {
  const written = options as Written
  const { account, account_key: key, sas_token: token, connection_string: connection } = written
  if (!/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(written.container))
    return {
      mistake: `"${written.container}" is not the name of a container`,
      hint: 'write its name only, such as backups: 3 to 63 small letters, digits and single -; the folder belongs into base_path',
    }
  const odd = judgeBasePath(written.base_path)
  if (odd) return odd
  if (connection !== undefined) {
    if ([account, key, token, written.endpoint].some((other) => other !== undefined))
      return { mistake: 'there is more than the connection_string', hint: 'it says all of it: keep it alone' }
    if (connectionOf(connection)) return null
    return {
      mistake: 'connection_string is not one',
      hint: 'copy it from the portal: AccountName=…;AccountKey=…; or BlobEndpoint=…;SharedAccessSignature=…',
    }
  }
  if (account === undefined) return { mistake: 'the account is missing', hint: 'write account:' }
  if (!/^[a-z0-9]{3,24}$/.test(account))
    return { mistake: `"${account}" is not an account`, hint: 'write 3 to 24 small letters and digits' }
  if ((key === undefined) === (token === undefined))
    return {
      mistake: key === undefined ? 'there is nothing to log in with' : 'a key and a token are both there',
      hint: 'write account_key, or better sas_token with only the rights that are needed',
    }
  if (key !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(key))
    return { mistake: 'account_key is not base64', hint: 'copy it again from the portal' }
  return null
}
