/** The name with what is put behind it, itself cut between characters so that all of it fits.
 * @param longest  in bytes */
export function fittingName(name: string, suffix: string, longest: number): string {
  let kept = Array.from(name)
  while (Buffer.byteLength(kept.join('') + suffix) > longest) kept = kept.slice(0, -1)
  return kept.join('') + suffix
}
