import { httpProxy } from './http-proxy.ts'
import { socks5 } from './socks5.ts'
import { ssh } from './ssh/index.ts'
import type { TunnelDriver } from './tunnel.ts'

/** Every way to a server that does not answer from here. */
export const tunnels: readonly TunnelDriver[] = [ssh, socks5, httpProxy]
