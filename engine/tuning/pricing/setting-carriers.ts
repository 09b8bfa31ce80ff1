/**
 * Attacks as a changed setting would let them in: in that content type, method or version, or at that size.
 *
 * For each rule that a setting drives (`setting-rules.ts`), requests that hold a payload and one of the values that the
 * setting would newly allow. What of them is blocked before and passes after is the price of the change.
 */
import type { ByteString, Header } from '../../model/exchange.js'
import { percentEncoded } from './slot.js'
import type { Variant } from './ways-around.js'
import { type RequestShape, wellFormed } from './well-formed.js'

/** LIMIT: bytes of padding, arguments and values tried, whatever a rule has compared. */
const mostPadding = 1 << 20
const mostArguments = 10_000
const mostValues = 5

interface Shape extends Omit<RequestShape, 'id' | 'label'> {
  readonly name: string
}

type Shaper = (compared: readonly ByteString[], payload: ByteString) => readonly Shape[]

const formType: Header = ['Content-Type', 'application/x-www-form-urlencoded']

function formBody(payload: ByteString): ByteString {
  return `field=${percentEncoded(payload)}`
}

function form(name: string, body: ByteString): Shape {
  return { name, headers: [formType], body }
}

/** The greatest number compared, and no more than `most`; 0 where there is none. */
function greatest(compared: readonly ByteString[], most: number): number {
  return Math.min(most, Math.max(0, ...compared.filter((value) => /^\d{1,12}$/.test(value)).map(Number)))
}

/** The values that something can be written with, at most some of them. */
function usable(compared: readonly ByteString[], allowed: RegExp, strip: RegExp): readonly ByteString[] {
  const values = compared.map((value) => value.replace(strip, '')).filter((value) => allowed.test(value))
  return [...new Set(values)].slice(0, mostValues)
}

const padding = (bytes: number): ByteString => 'x'.repeat(Math.max(0, bytes))

function contentTypes(compared: readonly ByteString[], payload: ByteString): readonly Shape[] {
  return usable(compared, /^[\w.+*-]+\/[\w.+*-]+$/, /^\||\|$/g).flatMap((type): Shape[] => {
    const headers: Header[] = [['Content-Type', type]]
    return [
      { name: 'form in the content type', headers, body: formBody(payload) },
      { name: 'payload as the body in the content type', headers, body: payload },
    ]
  })
}

function charsets(compared: readonly ByteString[], payload: ByteString): readonly Shape[] {
  return usable(compared, /^[\w.:+-]+$/, /^\||\|$/g).flatMap((charset): Shape[] => {
    const headers: Header[] = [['Content-Type', `${formType[1]}; charset=${charset}`]]
    const plain: Shape = { name: 'form in the charset', headers, body: formBody(payload) }
    if (!/^utf-?16/i.test(charset)) return [plain]
    const wide = Buffer.from(payload, 'latin1').toString('utf8')
    const bytes = Buffer.from(wide, 'utf16le').toString('latin1')
    return [plain, { name: 'payload in two bytes a char', headers, body: formBody(bytes) }]
  })
}

function methods(compared: readonly ByteString[], payload: ByteString): readonly Shape[] {
  return usable(compared, /^[A-Za-z]+$/, /^$/).flatMap((method): Shape[] => [
    { name: 'query string with the method', method, uri: `/page?${formBody(payload)}` },
    { ...form('form with the method', formBody(payload)), method },
  ])
}

function multipartFile(name: string, fileName: ByteString, content: ByteString): Shape {
  const boundary = '----FormBoundary7MA4YWxkTrZu0gW'
  const disposition = `Content-Disposition: form-data; name="file"; filename="${fileName}"`
  return {
    name,
    headers: [['Content-Type', `multipart/form-data; boundary=${boundary}`]],
    body: `--${boundary}\r\n${disposition}\r\nContent-Type: text/plain\r\n\r\n${content}\r\n--${boundary}--\r\n`,
  }
}

function files(compared: readonly ByteString[], payload: ByteString): readonly Shape[] {
  const size = greatest(compared, mostPadding)
  const content = payload + padding(size - payload.length)
  const shapes = [multipartFile('payload in a file of the size', 'a.txt', content)]
  return /["\\\r\n\0]/.test(payload)
    ? shapes
    : [...shapes, multipartFile('payload as the name of a file of the size', payload, padding(size))]
}

const shapers: ReadonlyMap<number, Shaper> = new Map<number, Shaper>([
  [911_100, methods],
  [
    920_360,
    (compared, payload) => {
      const fill = padding(greatest(compared, mostPadding) - payload.length)
      return [form('payload as a name of the length', `${percentEncoded(payload + fill)}=x`)]
    },
  ],
  [
    920_370,
    (compared, payload) => {
      const fill = padding(greatest(compared, mostPadding) - payload.length)
      return [
        form('payload before padding to the length', formBody(`${payload} ${fill}`)),
        form('payload behind padding to the length', formBody(`${fill} ${payload}`)),
      ]
    },
  ],
  [
    920_380,
    (compared, payload) => {
      const others = Math.max(0, greatest(compared, mostArguments) - 1)
      const pairs = Array.from({ length: others }, (_, n) => `a${n}=x`)
      return [form('payload in the last of so many arguments', [...pairs, formBody(payload)].join('&'))]
    },
  ],
  [
    920_390,
    (compared, payload) => {
      const fill = greatest(compared, mostPadding) - payload.length
      const pairs = Array.from({ length: 100 }, (_, n) => `a${n}=${padding(Math.ceil(fill / 100))}`)
      return [form('payload beside arguments of the total length', [...pairs, formBody(payload)].join('&'))]
    },
  ],
  [920_400, files],
  [920_410, files],
  [920_420, contentTypes],
  [
    920_430,
    (compared, payload) =>
      usable(compared, /^\d(?:\.\d)?$/, /^HTTP\//i).map((httpVersion) => ({
        ...form('form with the protocol version', formBody(payload)),
        httpVersion,
      })),
  ],
  [
    920_440,
    (compared, payload) =>
      usable(compared, /^\.[\w.-]+$/, /\/$/).map((extension) => ({
        name: 'query string at a file of the extension',
        uri: `/page${extension}?${formBody(payload)}`,
      })),
  ],
  [920_450, restrictedHeaders],
  [920_451, restrictedHeaders],
  [920_480, charsets],
  [920_650, (_, payload) => [form('form that overrides its method', `_method=PUT&${formBody(payload)}`)]],
])

function restrictedHeaders(compared: readonly ByteString[], payload: ByteString): readonly Shape[] {
  const value = /[\0\r\n]/.test(payload) ? percentEncoded(payload) : payload
  return usable(compared, /^[\w-]+$/, /^\/|\/$/g).map((header) => ({
    name: 'payload in the header',
    headers: [[header, value]],
  }))
}

/**
 * Requests with the payload that the changed setting would newly allow; none for a rule that no setting drives.
 * `compared` is what the rule compared in the requests it hit (`HitGroup.comparedValues`).
 */
export function settingCarriers(
  ruleId: number,
  compared: readonly ByteString[],
  payload: ByteString,
): readonly Variant[] {
  const shapes = shapers.get(ruleId)?.(compared, payload) ?? []
  return shapes.map(({ name, ...shape }) => ({
    name,
    record: wellFormed({ ...shape, id: `setting (${name})`, label: 'attack' }),
    sameScope: true,
  }))
}
