/**
 * Templates of paths: what is learned, what stays literal, and that the operator of a template matches on every
 * platform the paths it was learned for, and nothing behind or before them.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type Platform, platforms } from '../engine/index.js'
import { filenameOf, learnPathTemplates } from '../engine/tuning/path-templates.js'
import { request, rules } from './support/scenario.js'

const all = Object.values(platforms)
const { modsec2, modsec3, coraza } = platforms

function learned(paths: readonly string[] | Record<string, number>, platform: Platform = modsec3) {
  const entries = Array.isArray(paths) ? paths.map((path): [string, number] => [path, 1]) : Object.entries(paths)
  return learnPathTemplates(new Map(entries), platform)
}

function texts(paths: readonly string[] | Record<string, number>): readonly string[] {
  const templateOf = learned(paths)
  return (Array.isArray(paths) ? paths : Object.keys(paths)).map((path) => templateOf(path).text)
}

test('numbers, uuids, dates and tokens are variable by their shape', () => {
  assert.equal(texts(['/user/1', '/user/22', '/user/1/edit']), ['/user/{id}', '/user/{id}', '/user/{id}/edit'])
  assert.equal(texts(['/cart/3f2c8a9e-1d4b-4c6a-9f0e-7b5d2a1c8e4f/pay']), ['/cart/{uuid}/pay'])
  assert.equal(texts(['/log/2026-11-02', '/log/2026-11-03']), ['/log/{date}', '/log/{date}'])
  assert.equal(texts(['/s/kX9aQ2vB7mZ4tR8w', '/obj/5d41402abc4b2a76']), ['/s/{token}', '/obj/{hex}'])
  assert.equal(texts(['/list/page-1.html', '/list/page-2.html', '/list/page-3.html', '/list/page-40.html']), [
    '/list/page-{id}.html',
    '/list/page-{id}.html',
    '/list/page-{id}.html',
    '/list/page-{id}.html',
  ])
})

test('one number that is always the same, or a version, is none', () => {
  assert.equal(texts({ '/shop/1000/cart': 200 }), ['/shop/1000/cart'])
  assert.equal(texts({ '/site/2/cart': 1 }), ['/site/2/cart'])
  assert.equal(texts(['/v1/pay', '/v2/pay', '/v3/pay', '/v4/pay', '/v5/pay']), [
    '/v1/pay',
    '/v2/pay',
    '/v3/pay',
    '/v4/pay',
    '/v5/pay',
  ])
})

test('slugs are variable where several stand between the same neighbours and are seldom seen again', () => {
  const posts = ['/blog/hello-world', '/blog/second-post', '/blog/on-writing-well', '/blog/year-in-review']
  assert.equal(new Set(texts(posts)), new Set(['/blog/{slug}']))
  assert.equal(texts(posts.slice(1)), posts.slice(1), 'three are too few')
  const often = Object.fromEntries(posts.map((path) => [path, 50]))
  assert.equal(texts(often), posts, 'seen again and again')
  assert.is(
    learned({ ...Object.fromEntries(posts.map((path) => [path, 1])), '/blog/best-of-all': 500 })('/blog/best-of-all')
      .text,
    '/blog/best-of-all',
  )
  const people = ['ann', 'bob', 'eve', 'joe', 'kim', 'lee', 'max', 'sue'].map((name) => `/people/${name}/wall`)
  assert.equal(new Set(texts(people)), new Set(['/people/{name}/wall']))
  assert.equal(
    texts(people.map((path) => path.replace('/wall', ''))),
    people.map((path) => path.replace('/wall', '')),
  )
})

test('pages at the root and scripts keep their names', () => {
  const pages = ['/about-us', '/contact-us', '/terms-of-use', '/press-kit', '/site-map', '/our-team']
  assert.equal(texts(pages), pages)
  const scripts = ['/wp/admin-ajax.php', '/wp/admin-post.php', '/wp/edit-tags.php', '/wp/user-new.php']
  assert.equal(texts(scripts), scripts)
})

test('a path that was not learned has the template of its place', () => {
  const templateOf = learned(['/user/1', '/user/2', '/user/1/edit'])
  assert.is(templateOf('/user/77/edit').operator, '@rx \\A/user/[0-9]+/edit\\z')
  assert.is(templateOf('/user/77/drop').operator, '@rx \\A/user/[0-9]+/drop\\z')
  assert.is(templateOf('/users/77').operator, '@streq /users/77')
})

test('a template says what it is', () => {
  const literal = learned(['/a{b}'])('/a{b}')
  assert.is(literal.literal, true)
  assert.is(literal.pattern, null)
  assert.is(literal.text, '/a{b}')
  const template = learned(['/a{b}/1', '/a{b}/2'])('/a{b}/1')
  assert.is(template.text, '/a\\{b\\}/{id}')
  assert.is(template.pattern, '\\A/a\\x7bb\\x7d/[0-9]+\\z')
  assert.is(template.matches('/a{b}/17'), true)
  assert.is(template.matches('/a{b}/17/x'), false)
  assert.is(template.matches('/a{b}/17\n'), false)
})

test('what is seen in one order or another teaches the same', () => {
  const next = randomBytes(5)
  for (let n = 0; n < 20; n++) {
    const paths = randomPaths(next, 60)
    const one = learned(paths)
    const other = learned([...paths].reverse())
    for (const path of paths) assert.is(one(path).operator, other(path).operator)
  }
})

test('a path of a thousand slashes costs nothing and stays literal', () => {
  const long = '/1'.repeat(100_000)
  const templateOf = learned([long, `${long}2`])
  assert.is(templateOf(long).literal, true)
})

test('the file name is what the rules of phase 1 see', () => {
  for (const uri of ['/a%20b/c?d=/e', 'http://h.example/x%2fy?z', '//a/b', '/a#b', '/%', '*', '/a%3fb', '/\xc3\xa9'])
    for (const platform of all) {
      const record = request({ uri })
      const text = 'SecRule REQUEST_FILENAME "@unconditionalMatch" "id:1,phase:1,pass,log"'
      const verdict = evaluate(rules(text, platform.name).ruleset, record)
      if (verdict.blockedBy?.kind === 'server') continue
      assert.is(filenameOf(record, platform), verdict.matches[0]?.value, `${platform.name} ${uri}`)
    }
  assert.is(filenameOf(request({ uri: '/a%20b' }), modsec2), '/a%20b')
  assert.is(filenameOf(request({ uri: '/a%20b' }), coraza), '/a b')
})

/** Numbers below `limit`, the same in every run. */
function randomBytes(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % limit
  }
}

const words = [
  'user',
  'blog',
  'my-first-post',
  'x.php',
  "o'neil",
  'a"b',
  '100%',
  '{id}',
  '$(x)',
  'a\\b',
  '\xc3\xa9t\xc3\xa9',
  '\xff\xfe',
  'a b',
  ';x=1',
  'new\nline',
  '.',
  '..',
  '',
  '\\A',
  '%{tx.x}',
  '#',
  '\x00',
  'a,b|c',
  '\u00e2\u0082\u00ac-5',
]

function randomPaths(next: (limit: number) => number, count: number): string[] {
  const token = (): string => Array.from({ length: 18 }, () => 'aB3dE5fG7hJ9'[next(12)]).join('')
  const segment = (): string => {
    switch (next(6)) {
      case 0:
        return String(next(5000))
      case 1:
        return token()
      case 2:
        return `${words[next(words.length)]}-${words[next(3)]}-${next(40)}`
      case 3:
        return String.fromCharCode(...Array.from({ length: next(5) }, () => next(256))).replaceAll('/', 'x')
      default:
        return words[next(words.length)] ?? ''
    }
  }
  const prefixes = ['/user', '/blog', '/b\xc3\xbccher', '/o"x', "/it's", '/a.b']
  return Array.from({ length: count }, () => {
    const depth = 1 + next(3)
    return `${prefixes[next(prefixes.length)]}${Array.from({ length: depth }, () => `/${segment()}`).join('')}`
  })
}

function encoded(path: string): string {
  return path.replace(/[^A-Za-z0-9/._-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

test('the operator matches the paths it was learned for, and none that is longer', () => {
  const next = randomBytes(7)
  const uris = randomPaths(next, 400).map(encoded)
  for (const platform of all) {
    const paths = uris.map((uri) => filenameOf(request({ uri }), platform))
    const templateOf = learned(paths, platform)
    const rulesets = new Map<string, ReturnType<typeof rules>>()
    let variable = 0
    for (const [at, uri] of uris.entries()) {
      const path = paths[at] ?? ''
      const template = templateOf(path)
      if (!template.literal) variable++
      assert.is(template.matches(path), true, path)
      assert.match(template.operator, /^@(?:streq|rx) [\x21-\x7e]+$/)
      assert.not.match(template.operator, /["']|\\\\|%\{/)
      let loaded = rulesets.get(template.operator)
      if (loaded === undefined) {
        loaded = rules(`SecRule REQUEST_FILENAME "${template.operator}" "id:1,phase:1,pass,t:none,log"`, platform.name)
        rulesets.set(template.operator, loaded)
      }
      const { ruleset } = loaded
      const fires = (changed: string): boolean => evaluate(ruleset, request({ uri: changed })).ruleIds.includes(1)
      assert.is(fires(uri), true, `${platform.name} ${uri} ${template.operator}`)
      assert.is(fires(`${uri}?q=/1`), true)
      for (const other of [
        `${uri}/x`,
        `${uri}/`,
        `/x${uri}`,
        `${uri}/x.php/1`,
        `${uri}%0a`,
        `%0a${uri}`,
        `${uri}/..`,
      ]) {
        const seen = filenameOf(request({ uri: other }), platform)
        assert.is(fires(other), template.matches(seen), `${platform.name} ${other} ${template.operator}`)
        if (other !== `${uri}%0a`) assert.is(fires(other), false, `${platform.name} ${other} ${template.operator}`)
      }
    }
    assert.ok(variable > 100, `${variable} of the paths are variable`)
  }
})

test.run()
