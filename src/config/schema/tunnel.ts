import { Type } from 'typebox'

/** `tunnel`: the one key in it is a driver's, whose schema is behind it. */
export const tunnel = Type.Optional(
  Type.Object(
    {},
    {
      description:
        'How the server is reached when it does not answer from here: through `ssh`, `socks5` or `http_proxy`, one of them; see below',
      expected: 'a group with ssh, socks5 or http_proxy',
      examples: [
        {
          ssh: {
            host: 'bastion.example.com',
            user: 'backup',
            private_key_file: './keys/bastion',
            fingerprint: 'SHA256:…',
          },
        },
      ],
    },
  ),
)
