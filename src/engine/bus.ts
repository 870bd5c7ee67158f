import type { Event } from '../core/events.ts'

/** Tells observers what happened. They watch; nothing waits for them and nothing they do can fail a run. */
export interface Bus {
  emit(event: Event): void
  /** @returns a function that stops watching */
  watch(observer: (event: Event) => void): () => void
}

export function createBus(): Bus {
  const observers = new Set<(event: Event) => void>()
  return {
    emit: (event) => {
      for (const observer of observers) observer(event)
    },
    watch: (observer) => {
      observers.add(observer)
      return () => void observers.delete(observer)
    },
  }
}
