/** A name in a statement, quoted or not; the text has one character per byte. */
export const name = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|[\\w$\\x80-\\xff]+)'
/** A name at the front, and the second one when it is `first.second`. */
export const qualified = new RegExp(`^(${name})(?:\\s*\\.\\s*(${name}))?`)
