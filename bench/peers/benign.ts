/**
 * Benign requests of the kinds that applications get: forms, cookies, JSON, multipart, prose and code in several
 * languages, with the oddities of real clients. Seeded, so repeatable.
 */
import type { ByteString, Header, TransactionRecord } from '../../engine/index.js'
import { jsonString, multipartBody, percentEncoded, requestWith } from './carriers.js'
import { Random } from './random.js'
import { sentences, snippets, words } from './texts.js'

type Request = TransactionRecord['request']

const bytes = (text: string): ByteString => Buffer.from(text, 'utf8').toString('latin1')

/** A value as a user or a script would send it, in bytes. */
function value(random: Random): ByteString {
  const kind = random.below(12)
  if (kind <= 2) return bytes(random.pick(words))
  if (kind <= 4) return bytes(random.pick(sentences))
  if (kind === 5) return bytes(prose(random, 200))
  if (kind === 6) return String(random.below(100000) / (random.chance(0.5) ? 1 : 100))
  if (kind === 7) return bytes(random.pick(snippets))
  if (kind === 8)
    return `${random.pick(['2024', '2025'])}-0${1 + random.below(9)}-1${random.below(9)}T08:${10 + random.below(49)}:00Z`
  if (kind === 9)
    return `https://www.example.${random.pick(['org', 'com', 'net'])}/${random.pick(['a', 'b/c'])}?x=${random.below(9)}&y=%20`
  if (kind === 10) return ''
  return Array.from({ length: 8 + random.below(40) }, () => random.pick([...'0123456789abcdefABCDEF-_+/='])).join('')
}

/** Sentences up to about `length` characters. */
function prose(random: Random, length: number): string {
  const parts: string[] = []
  for (let total = 0; total < length; ) {
    const sentence = random.pick(sentences)
    parts.push(sentence, random.chance(0.15) ? '\r\n\r\n' : ' ')
    total += sentence.length + 1
  }
  return parts.join('')
}

const names = [
  'q',
  'name',
  'items[]',
  'user[email]',
  'a.b',
  'csrf_token',
  '_method',
  'Ünïcode',
  'filter[price][gte]',
  'x',
  'ids[0]',
  'full name',
  'page',
  '$top',
  'utf8',
  '__VIEWSTATE',
]

/** One pair of a form as one of several encoders writes it. */
function pair(random: Random): ByteString {
  const name = bytes(random.pick(names))
  const style = random.below(14)
  const text = value(random)
  const plain = `${percentEncoded(name, true)}=${percentEncoded(text, true)}`
  if (style === 0) return `${name.replace(/[&= ]/g, '_')}=${text.replace(/[&=%+\r\n #\0]/g, '_')}`
  if (style === 1) return percentEncoded(name, true)
  if (style === 2) return `${percentEncoded(name, true)}=`
  if (style === 3) return `${plain}=`
  if (style === 4) return `${plain};x=1`
  if (style === 5) return `${plain}%`
  if (style === 6) return `${plain}%u00e9`
  if (style === 7) return `${plain}&`
  if (style === 8) return `${name.replace(/[&=% ]/g, '')}=${percentEncoded(text, false).toLowerCase()}`
  if (style === 9) return `${percentEncoded(name, true)}=100%25+${percentEncoded(text, true)}`
  return plain
}

const pairs = (random: Random, most: number): ByteString => random.many(1, most, () => pair(random)).join('&')

function cookies(random: Random): ByteString {
  const one = (): ByteString => {
    const text = value(random).replace(/[\r\n\0]/g, ' ')
    const style = random.below(10)
    const name = random.pick(['sid', '_ga', 'PHPSESSID', 'prefs', 'cart', '__utmz', 'lang', 'a b', 'consent'])
    if (style === 0) return name
    if (style === 1) return `${name}=`
    if (style === 2) return `${name}="${text.replace(/[";]/g, '')}"`
    if (style === 3) return `${name}=${text.replace(/;/g, ',')}`
    if (style === 4) return `${name}=${jsonString(text).replace(/;/g, ',')}`
    if (style === 5) return `${name} = ${percentEncoded(text, false)}`
    return `${name}=${percentEncoded(text, false)}`
  }
  return random.many(1, 9, one).join(random.pick(['; ', '; ', '; ', ';', ' ; ', ';; ']))
}

function json(random: Random, depth: number): ByteString {
  const kind = random.below(depth <= 0 ? 7 : 10)
  if (kind <= 2) return jsonText(value(random), random)
  if (kind === 3)
    return random.pick([
      '0',
      '-1',
      '3.14',
      '1e5',
      '-2.5E-3',
      '12345678901234567890',
      '0.1',
      '1E+2',
      '100000000000000000000.5',
    ])
  if (kind === 4) return random.pick(['true', 'false', 'null'])
  if (kind === 5) return random.pick(['{}', '[]', '""', '[{}]', '[[]]'])
  if (kind === 6) return jsonText(bytes(random.pick(sentences)), random)
  if (kind === 7) return `[${random.many(0, 5, () => json(random, depth - 1)).join(random.pick([',', ', ']))}]`
  const member = (): ByteString =>
    `${jsonText(bytes(random.pick([...names, '', 'id', 'tags', 'na"me'])), random)}:${json(random, depth - 1)}`
  return `{${random.many(0, 6, member).join(random.pick([',', ', ', ',\n  ']))}}`
}

/** A JSON string; sometimes with escapes that need not be. */
function jsonText(text: ByteString, random: Random): ByteString {
  if (random.chance(0.75)) return jsonString(text)
  const decoded = Buffer.from(text, 'latin1').toString('utf8')
  const escaped = JSON.stringify(decoded).replace(/[^\x20-\x7e]|[<>&'/]/g, (c) =>
    c === '/' ? '\\/' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return bytes(escaped)
}

function multipart(random: Random): Request {
  const field = 'Content-Disposition: form-data; name='
  const part = (): [ByteString, ByteString] => {
    const style = random.below(9)
    const name = bytes(random.pick(names))
    const text = value(random)
    const file = bytes(
      random.pick([
        'photo.jpg',
        'Übersicht 2024.pdf',
        'my "best" file.txt',
        "o'neil.doc",
        '写真.png',
        'a;b.csv',
        'C:\\docs\\x.txt',
        'résumé (1).docx',
        '',
        'archive.tar.gz',
      ]),
    )
    if (style === 0)
      return [
        `${field}"${name}"; filename="${file.replace(/"/g, '\\"')}"\r\nContent-Type: application/octet-stream`,
        text,
      ]
    if (style === 1)
      return [
        `${field}"${name}"; filename="${file.replace(/"/g, '%22')}"\r\nContent-Type: image/png`,
        `\x89PNG\r\n\x1a\n\0\0${text}`,
      ]
    if (style === 2)
      return [
        `${field}"${name}"; filename="x.txt"; filename*=UTF-8''${percentEncoded(file, false)}\r\nContent-Type: text/plain`,
        text,
      ]
    if (style === 3) return [`${field}"${name}"\r\nContent-Type: text/plain; charset=utf-8`, text]
    if (style === 4) return [`${field}${name.replace(/[^a-z]/g, '') || 'x'}`, text]
    if (style === 5) return [`content-disposition: form-data; name="${name}"`, bytes(prose(random, 400))]
    return [`${field}"${name}"`, text]
  }
  return requestWith({
    method: 'POST',
    uri: '/upload',
    type: 'multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW',
    body: multipartBody(random.many(1, 6, part)),
  })
}

const oddHeaders: readonly Header[] = [
  ['Accept-Language', 'de-DE,de;q=0.9,en;q=0.8'],
  ['X-Forwarded-For', '203.0.113.9, 198.51.100.7'],
  ['If-None-Match', 'W/"5d8c72a5edda8d6a:0"'],
  ['Range', 'bytes=0-1023'],
  ['X-Requested-With', 'XMLHttpRequest'],
  ['Cache-Control', 'no-cache'],
  ['Authorization', 'Basic dXNlcjpwYXNz'],
  ['Content-Language', 'fr'],
  ['X-Empty', ''],
  ['Origin', 'https://shop.example.org'],
  ['Sec-Ch-Ua', '"Chromium";v="124", "Not-A.Brand";v="99"'],
  ['X-Title', bytes('Grüße aus Köln')],
  ['Upgrade-Insecure-Requests', '1'],
  ['Accept', 'text/html'],
  ['Connection', 'keep-alive, Upgrade'],
  ['Accept-Charset', 'utf-8, iso-8859-1;q=0.5'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
]

function requestOf(random: Random): Request {
  const kind = random.below(10)
  const headers: Header[] = random.many(0, 3, () => random.pick(oddHeaders))
  if (random.chance(0.4)) headers.push(['Cookie', cookies(random)])
  if (random.chance(0.2))
    headers.push(['Referer', `https://www.example.org/search?${pairs(random, 2).replace(/[\r\n\0 ]/g, '+')}`])
  const uri = random.chance(0.3)
    ? `/path/${percentEncoded(value(random), false)}`
    : random.pick(['/', '/a/b.php', '/api/v1/items', '/index.html', '/~user/'])
  const query = random.chance(0.5) ? `?${pairs(random, 4).replace(/[\x00-\x20]/g, '+')}` : ''
  const target = uri + query
  if (kind <= 2) return requestWith({ uri: target, headers })
  if (kind <= 5)
    return requestWith({
      method: 'POST',
      uri: target,
      headers,
      type: random.pick(['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=UTF-8']),
      body: random.chance(0.2)
        ? `text=${percentEncoded(bytes(prose(random, 1000 + random.below(3000))), true)}`
        : pairs(random, 8),
    })
  if (kind <= 7)
    return requestWith({
      method: random.pick(['POST', 'PUT', 'PATCH']),
      uri: target,
      headers,
      type: random.pick(['application/json', 'application/json; charset=utf-8', 'application/vnd.api+json']),
      body: random.chance(0.8) ? `{"data":${json(random, 3)},"v":${json(random, 1)}}` : json(random, 3),
    })
  if (kind === 8) return multipart(random)
  return requestWith({
    method: 'POST',
    uri: target,
    headers,
    type: random.pick(['text/plain', 'application/xml', 'text/xml']),
    body: `<?xml version="1.0" encoding="UTF-8"?><order id="7"><name>${value(random)
      .replace(/[<&]/g, '')
      .replace(/[\x00-\x1f]/g, ' ')}</name><n>1</n></order>`,
  })
}

/** `count` records of mixed kinds. */
export function generatedBenign(count: number, seed: number): TransactionRecord[] {
  const random = new Random(seed)
  return Array.from(
    { length: count },
    (_unused, index): TransactionRecord => ({
      id: `generated-${String(index + 1).padStart(6, '0')}`,
      label: 'benign',
      tags: [],
      evidence: 'complete',
      request: requestOf(random),
    }),
  )
}
