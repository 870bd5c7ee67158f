/** How a server is reached that does not answer from here. Holds secrets; never printed. */
export interface TunnelConfig {
  /** Of the driver in tunnels/registry. */
  kind: string
  /** Validated by the driver's schema. */
  options: Record<string, unknown>
}

/** Where a server answers. */
export interface Host {
  /** Name or address, without brackets. */
  host: string
  port: number
}

export function spellHost({ host, port }: Host): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
