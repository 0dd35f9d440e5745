/** Posts a text to a Slack webhook. The address is a secret: it appears in no error. */
export async function postToSlack(webhook: string, text: string, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(10_000)
  let status: number
  try {
    const reply = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    })
    status = reply.status
    await reply.body?.cancel()
  } catch {
    // The cause would name the address.
    throw new AlertError('the alert webhook could not be reached within 10 s')
  }
  if (status < 200 || status > 299) throw new AlertError(`the alert webhook answered with status ${status}`)
}

export class AlertError extends Error {
  override readonly name = 'AlertError'
  readonly code = 'ALERT_FAILED'
}
