/** Which databases of a server: names with `*` and `?`. A name that both lists know is left out. */
export interface DatabaseChoice {
  include: readonly string[]
  exclude: readonly string[]
}
