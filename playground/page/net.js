/** The page's line to the playground: one stream in, deeds out. */

export function listen(as, onEvent, onBroken) {
  const source = new EventSource(`/page/events?as=${encodeURIComponent(as)}`)
  source.onmessage = (event) => onEvent(JSON.parse(event.data))
  source.onerror = () => onBroken()
  return () => source.close()
}

export async function doAs(deed, details) {
  const response = await fetch(`/page/${deed}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(details),
  })
  return response.json()
}
