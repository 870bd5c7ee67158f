import type { Artifact, Manifest } from './model.ts'

/** Every object of a backup beside its manifest and sidecars: whoever stores, copies, measures, verifies or removes one takes all of
 * them. What is restored is `artifacts` alone. */
export function objectsOf({ artifacts, details }: Pick<Manifest, 'artifacts' | 'details'>): Artifact[] {
  return details ? [...artifacts, details] : artifacts
}
