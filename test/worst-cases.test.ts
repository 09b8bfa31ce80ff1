/**
 * Hostile input costs time in proportion to its size, whoever reads it: transformations, body processors, cookies.
 */
import { test } from 'uvu'
import { hostileValues } from '../bench/worst-cases/values.js'
import { findBodyProcessor, parseCookies } from '../engine/bodies/index.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'
import { findTransformation, transformations } from '../engine/transformations/index.js'
import { collectionOf } from '../engine/variables/index.js'
import { assertLinear } from './support/growth.js'

const names = Object.keys(platforms) as PlatformName[]
const boundary = 'limit'
const disposition = 'Content-Disposition: form-data; name='

function multipart(head: string, value: string): string {
  return `--${boundary}\r\n${head}\r\n\r\n${value}\r\n--${boundary}--\r\n`
}

function bodyReader(processor: string, platform: PlatformName, body: string): () => void {
  const definition = findBodyProcessor(processor)
  return () => {
    const { args, xml } = definition?.process({
      body,
      contentType: processor === 'MULTIPART' ? `multipart/form-data; boundary=${boundary}` : '',
      argumentSeparator: '&',
      limits: { depth: 512, args: 1e6, files: 1e6 },
      platform: platforms[platform],
    }) ?? { args: [] }
    for (const path of ['/*', '//@*', '/a/b/text()', '//b/@c', '//text()']) xml?.select(path)
    collectionOf(args, platforms[platform]).all()
  }
}

/** Bodies around a hostile value. */
const bodies: Readonly<Record<string, readonly ((value: string) => string)[]>> = {
  URLENCODED: [(value) => value, (value) => `a=${value}`],
  MULTIPART: [
    (value) => multipart(`${disposition}"a"`, value),
    (value) => multipart(`${disposition}"${value}"`, 'x'),
    (value) => multipart(`${disposition}"a"\r\nX: ${value}`, 'x'),
    (value) => multipart(`${disposition}"a"\r\nContent-Transfer-Encoding: quoted-printable`, value),
    (value) => multipart(`${disposition}"a"; filename="b"`, value.replace(/[^\n]{30}/g, `$&\r\n--${boundary}x`)),
  ],
  JSON: [(value) => value, (value) => JSON.stringify({ [value]: [value] })],
  XML: [
    (value) => value,
    (value) => `<a b="x">${value}</a>`,
    (value) => `<a b="${value}"/>`,
    (value) => `<!DOCTYPE a [${value}]><a/>`,
    (value) => `<!DOCTYPE a [<!ENTITY % a "${value}]><a/>`,
  ],
}

/** Bodies that are hostile by their structure: the piece over and over, between a head and a tail. */
const structures: Readonly<Record<string, readonly (readonly [head: string, piece: string, tail: string])[]>> = {
  URLENCODED: [['', 'a=1&', '']],
  MULTIPART: [
    ['', `--${boundary}\r\n${disposition}"a"\r\n\r\nx\r\n`, `--${boundary}--\r\n`],
    ['', `--${boundary}\r\n`, ''],
    [`--${boundary}\r\n${disposition}"a"\r\n\r\n`, `x--${boundary}`, ''],
    [`--${boundary}\r\n${disposition}"a"\r\n\r\n`, 'x\n', `--${boundary}--\r\n`],
  ],
  JSON: [
    ['[', '1,', '1]'],
    ['{', '"a":1,', '"a":1}'],
    ['', '[', ''],
    ['', '{"a":', ''],
    ['[', '[[[[1]]]],', '1]'],
    ['"', '\\u0041', '"'],
    ['', '{]', ''],
  ],
  XML: [
    ['<a>', '<b c="1">x</b>', '</a>'],
    ['', '<a>', ''],
    ['', '<!---->', 'x'],
    ['', '<?a?>', '<!DOCTYPE a'],
    ['', '<a b="', ''],
    ['<!DOCTYPE a [', '<!ENTITY a "', ']><a/>'],
    ['<!DOCTYPE a [', '<!ENTITY % a ', ']><a/>'],
    ['<!DOCTYPE a [<!ENTITY % a', ' ', ']><a/>'],
    ['<!DOCTYPE a [', '<!ATTLIST a "', ']><a/>'],
    ['<!DOCTYPE a [<!ENTITY e "x">]><a>', '&e;', '</a>'],
    ['<a', ' b="x"', '/>'],
    ['<a xmlns:p="u">', '<p:b p:c="1"/>', '</a>'],
  ],
}

for (const name of names) {
  test(`transformations of hostile values on ${name}`, () => {
    for (const key of Object.keys(transformations)) {
      const transformation = findTransformation(key, platforms[name])
      if (transformation === null) continue
      assertLinear(key, 2000, (size) => {
        const values = hostileValues.map(({ make }) => make(size))
        return () => {
          for (const value of values) transformation.isStage?.(value, transformation.apply(value))
        }
      })
    }
  })

  test(`bodies around hostile values on ${name}`, () => {
    for (const [processor, frames] of Object.entries(bodies))
      frames.forEach((frame, index) => {
        assertLinear(`${processor} ${index}`, 1000, (size) => {
          const readers = hostileValues.map(({ make }) => bodyReader(processor, name, frame(make(size))))
          return () => {
            for (const read of readers) read()
          }
        })
      })
  })

  test(`bodies of hostile structure on ${name}`, () => {
    for (const [processor, shapes] of Object.entries(structures))
      for (const [head, piece, tail] of shapes)
        assertLinear(`${processor} ${head}${piece}`, 300, (count) =>
          bodyReader(processor, name, head + piece.repeat(count) + tail),
        )
  })

  test(`cookies on ${name}`, () => {
    assertLinear('cookies', 4000, (size) => {
      const headers = hostileValues.map(({ make }) => make(size))
      return () => {
        for (const header of headers) parseCookies(header, platforms[name])
      }
    })
  })
}

test("names that share buckets of libmodsecurity's table", () => {
  assertLinear('distinct names', 2000, (count) => {
    const args = Array.from({ length: count }, (_, n) => ({ key: `name${n}`, value: '1' }))
    return () => collectionOf(args, platforms.modsec3).all()
  })
})

test.run()
