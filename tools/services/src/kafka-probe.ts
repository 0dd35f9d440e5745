import { connect } from 'node:net'

/**
 * Asks a broker for its metadata and gives the number of brokers it knows: one or more means that clients can work.
 * Wire: size int32, then header v1 {api_key int16 = 3, api_version int16 = 4, correlation_id int32, client_id string} and
 * body {topics array: int32 0 = none, allow_auto_topic_creation bool}; the answer is {correlation_id int32, throttle_ms int32, brokers array: int32 count, ...}.
 * @see Kafka protocol guide, "Metadata API"
 */
export function countBrokers(host: string, port: number, timeoutMs = 3_000): Promise<number> {
  const client = Buffer.from('sluice-services')
  const request = Buffer.alloc(4 + 8 + 2 + client.length + 4 + 1)
  let at = request.writeInt32BE(request.length - 4, 0)
  at = request.writeInt16BE(3, at)
  at = request.writeInt16BE(4, at)
  at = request.writeInt32BE(1, at)
  at = request.writeInt16BE(client.length, at)
  at += client.copy(request, at)
  at = request.writeInt32BE(0, at)
  request.writeUInt8(0, at)
  return new Promise((done, failed) => {
    const socket = connect({ host, port })
    const chunks: Buffer[] = []
    const end = (error: Error | undefined, brokers = 0) => {
      socket.destroy()
      if (error) failed(error)
      else done(brokers)
    }
    socket.setTimeout(timeoutMs, () => end(new Error(`no answer from ${host}:${port} in ${timeoutMs} ms`)))
    socket.on('error', end)
    socket.on('close', () => end(new Error(`${host}:${port} closed the connection without an answer`)))
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const answer = Buffer.concat(chunks)
      if (answer.length < 16) return
      if (answer.readInt32BE(4) !== 1) return end(new Error(`${host}:${port} answers, but not as a Kafka broker`))
      end(undefined, answer.readInt32BE(12))
    })
  })
}
