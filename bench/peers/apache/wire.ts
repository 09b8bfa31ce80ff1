/**
 * One request over one connection, as bytes, and the status that comes back.
 *
 * What the record holds is what is sent: no header is added, changed or left out, not even where Apache must
 * refuse it. A record's body is what came out of the chunks, so a chunked one is put into a chunk again. Behind the last byte the connection is half closed, so that a body shorter than announced is an end
 * and not a wait.
 */
import { connect } from 'node:net'
import type { TransactionRecord } from '../../../engine/index.js'

/** Milliseconds without an answer after which a request is given up. */
const answerTimeout = 10_000

export function bytesOf(request: TransactionRecord['request']): Buffer {
  const { method, uri, httpVersion, headers, body } = request
  const line = request.line ?? (httpVersion === '' ? `${method} ${uri}` : `${method} ${uri} HTTP/${httpVersion}`)
  const head = [line, ...headers.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${isChunked(headers) ? chunked(body) : body}`, 'latin1')
}

function isChunked(headers: TransactionRecord['request']['headers']): boolean {
  const last = headers.findLast(([name]) => name.toLowerCase() === 'transfer-encoding')?.[1] ?? ''
  return /(?:^|,)[ \t]*chunked[ \t]*$/i.test(last)
}

function chunked(body: string): string {
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
  return `${chunk}0\r\n\r\n`
}

/** Status of the answer; 200 for an answer without a status line (HTTP/0.9), 0 where the connection just ends. */
export function send(port: number, bytes: Buffer): Promise<number> {
  return new Promise((done) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setTimeout(answerTimeout, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // The server may answer and close before it has read all; what it said counts.
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => done(statusOf(Buffer.concat(chunks).toString('latin1'))))
    socket.end(bytes)
  })
}

function statusOf(answer: string): number {
  if (answer === '') return 0
  // Interim answers (100 Continue) come before the one that counts.
  const final = answer.replace(/^(?:HTTP\/\d\.\d 1\d\d[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)+/, '')
  const status = /^HTTP\/\d\.\d (\d{3})/.exec(final)?.[1]
  return status === undefined ? 200 : Number(status)
}
