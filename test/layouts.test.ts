/**
 * Layouts: what is written parses back to the same exclusions on its platform, nothing captured leaves its comment, and
 * a file is updated without touching what people wrote.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import {
  type AppliedFile,
  applyLayout,
  idsInFile,
  layoutFor,
  layouts,
  readWritten,
  renderLayout,
  secLangOf,
  updateFiles,
} from '../cli/layouts/index.js'
import { formatDiagnostic, InternalError, UsageError } from '../engine/errors.js'
import { type Exclusion, type PlatformName, readExclusions } from '../engine/index.js'
import { exclusion, hostileCase, random, removal, setting } from './support/exclusions.js'

const options = { today: '2026-12-01', messages: new Map([[942_100, 'SQL Injection: "found"']]), attacksBefore: 40 }
const three = [removal(942_100), exclusion({ ruleIds: [941_100] }), setting]

function rendered(name: string, platform: PlatformName, list: readonly Exclusion[] = three): readonly AppliedFile[] {
  return renderLayout(layoutFor(name, platform), list, options)
}

function only(files: readonly AppliedFile[]): string {
  assert.is(files.length, 1)
  return files[0]?.text ?? ''
}

test('inline: one text, each exclusion at its place with what it rests on', () => {
  assert.is(
    only(rendered('inline', 'modsec3')),
    `# Written by wafsim exclude. It updates its own blocks and keeps those that you change.
# wafsim:section place=setup
# Settings: behind crs-setup.conf, before the rules of CRS.
# wafsim:begin key=setting kind=setting place=setup rules=911100 ids=10009 date=2026-12-01
# Rule 911100
# Seen: 3 of 100 requests, e.g. record record-1
# Price: 1 of 40 attacks, 2 detections lost (replayed)
# crs-setup.conf: edit rule 900200 instead where it is in use
SecAction \\
    "id:10009,phase:1,pass,t:none,nolog,\\
    setvar:'tx.allowed_methods=GET HEAD POST PUT'"
# wafsim:end key=setting sha=${digestIn(only(rendered('inline', 'modsec3')), 'setting')}
# wafsim:section place=before
# Run-time exclusions: behind crs-setup.conf, before the rules of CRS.
# wafsim:begin key=k941100 kind=ctl-remove-by-id place=before rules=941100 ids=10001 date=2026-12-01
# Rule 941100
# Seen: 3 of 100 requests, e.g. record record-1
# Price: 1 of 40 attacks, 2 detections lost (replayed)
${exclusion({ ruleIds: [941_100] }).directive}
# wafsim:end key=k941100 sha=${digestIn(only(rendered('inline', 'modsec3')), 'k941100')}
# wafsim:section place=after
# Configure-time exclusions: behind the rules of CRS.
# wafsim:begin key=k942100 kind=remove-by-id place=after rules=942100 ids= date=2026-12-01
# Rule 942100: SQL Injection: ?found?
# Seen: 3 of 100 requests, e.g. record record-1
# Price: 1 of 40 attacks, 2 detections lost (replayed)
SecRuleRemoveById 942100
# wafsim:end key=k942100 sha=${digestIn(only(rendered('inline', 'modsec3')), 'k942100')}
`,
  )
})

function digestIn(text: string, key: string): string {
  return new RegExp(`wafsim:end key=${key} sha=(\\w+)`).exec(text)?.[1] ?? ''
}

test('files of CRS, of a plugin and of nginx hold each exclusion once, where it is loaded', () => {
  const kinds = (name: string, platform: PlatformName): unknown =>
    rendered(name, platform).map((file) => [
      file.name,
      ...readExclusions(file.text, file.name, platform).exclusions.map((each) => each.kind),
    ])
  assert.equal(kinds('crs', 'modsec2'), [
    ['REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf', 'setting', 'ctl-remove-by-id'],
    ['RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf', 'remove-by-id'],
  ])
  assert.equal(kinds('plugin', 'coraza'), [
    ['wafsim-exclusions-config.conf', 'setting'],
    ['wafsim-exclusions-before.conf', 'ctl-remove-by-id'],
    ['wafsim-exclusions-after.conf', 'remove-by-id'],
  ])
  const nginx = rendered('nginx', 'modsec3')
  const loads = (nginx[2]?.text ?? '').match(/[\w-]+(?=\.conf;)/g)
  assert.equal(loads, ['modsecurity', 'crs-setup', 'exclusions-before', 'crs-rules', 'exclusions-after'])
})

test('a layout refuses a platform or an exclusion it has no place for, and a name that is none', () => {
  const refuses = (run: () => unknown, words: RegExp): void =>
    assert.throws(run, (error: unknown) => error instanceof UsageError && words.test(error.message))
  refuses(() => layoutFor('location', 'modsec3'), /is for modsec2.*use inline, crs, plugin, nginx, nginx-inline/)
  refuses(() => layoutFor('cady', 'coraza'), /did you mean "caddy"/)
  const located = exclusion({
    kind: 'location-remove-by-id',
    placement: 'location',
    configIds: [],
    directive: '<Location "/x">\n    SecRuleRemoveById 942100\n</Location>',
  })
  refuses(() => rendered('crs', 'modsec2', [located]), /no place.*location/)
  assert.match(only(rendered('location', 'modsec2', [located])), '<Location "/x">')
  refuses(() => renderLayout(layoutFor('plugin', 'modsec3'), three, { ...options, pluginName: '../x' }), /plugin/)
})

test('each embedding quotes as its language reads', () => {
  const pattern = exclusion({
    directive: `SecRule REQUEST_FILENAME "@rx \\A/it\\x27s\\z" \\\n    "id:10001,phase:1,pass,t:none,nolog,setvar:'tx.a=1',ctl:ruleRemoveById=942100"`,
  })
  const json = JSON.parse(only(rendered('proxy-wasm', 'coraza', [pattern]))) as {
    directives_map: { default: string[] }
  }
  assert.ok(json.directives_map.default.join('\n').includes(pattern.directive))
  const [before, after] = [
    json.directives_map.default.indexOf('Include @owasp_crs/*.conf'),
    json.directives_map.default.findIndex((line) => line.includes('id:10001')),
  ]
  assert.ok(before > after)
  const text = only(rendered('spoa', 'coraza', [pattern]))
  const { applications } = parse(text) as { applications: { directives: string }[] }
  assert.ok(applications[0]?.directives.includes(`\n${pattern.directive}\n`))
  const yaml = only(rendered('spoa', 'coraza', [pattern]))
  assert.ok(
    yaml
      .split('\n')
      .slice(3, -1)
      .every((line) => line.startsWith('      ')),
  )
  const nginx = only(rendered('nginx-inline', 'modsec3', [pattern]))
  // As nginx reads a word in quotes.
  const word = /modsecurity_rules '\n((?:[^'\\]|\\.)*)';/s.exec(nginx)?.[1]?.replace(/\\(['"\\])/g, '$1')
  assert.is(word, `${pattern.directive}\n`)
  assert.throws(
    () => rendered('caddy', 'coraza', [exclusion({ directive: 'SecRule ARGS "@streq {$HOME}" "id:10001,pass"' })]),
    /Caddyfile/,
  )
  assert.throws(
    () =>
      rendered('location', 'modsec2', [
        exclusion({ platform: 'modsec2', directive: `SecRule ARGS "@streq ${'$'}{HOME}" "id:10001,pass"` }),
      ]),
    /Apache/,
  )
  const long = exclusion({ directive: `SecRuleUpdateTargetById 942100 "!ARGS:${'a'.repeat(4000)}"` })
  assert.throws(() => rendered('nginx-inline', 'modsec3', [long]), /too long/)
})

test('a directive that would break out of its lines is a bug, not an output', () => {
  for (const directive of [
    'SecRuleRemoveById 1\\',
    'SecRuleRemoveById 1\r\nSecRuleEngine Off',
    'SecRule \xe9',
    '',
    'a\n\nb',
  ])
    assert.throws(
      () => rendered('inline', 'modsec3', [exclusion({ directive })]),
      (error: unknown) => error instanceof InternalError,
      directive,
    )
})

/** As the host language's own reader sees it: the directives are what `secLangOf` says. */
function assertWellFormed(layout: string, text: string): void {
  const lines = (part: string): string[] => part.split('\n').flatMap((line) => line.trim() || [])
  if (layout === 'proxy-wasm') {
    const { directives_map } = JSON.parse(text) as { directives_map: { default: string[] } }
    assert.equal(lines(directives_map.default.join('\n')), lines(secLangOf(text)))
  } else if (layout === 'spoa') {
    const { applications } = parse(text) as { applications: { directives: string }[] }
    assert.equal(lines(applications[0]?.directives ?? ''), lines(secLangOf(text)))
  } else if (layout === 'caddy') {
    const [, directives = '', end] = text.split('`')
    assert.equal(lines(directives), lines(secLangOf(text)))
    assert.is(end, '\n}\n')
  }
}

for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
  test(`${platform}: 2,000 hostile exclusions are read back as they are, and nothing else with them`, () => {
    const next = random(20_261_201)
    const suiting = layouts.filter((layout) => layout.platforms.includes(platform))
    for (let number = 0; number < 2000; number += 4) {
      const cases = [0, 1, 2, 3].map((at) => hostileCase(next, number + at, platform))
      const list = cases.map((each) => each.exclusion)
      const messages = new Map(cases.map((each) => [each.exclusion.ruleIds[0] ?? 0, each.message]))
      const layout = suiting[(number / 4) % suiting.length]
      assert.ok(layout)
      const files = renderLayout(layout, list, { ...options, messages })
      const texts = files.map(({ text }) => secLangOf(text))
      assertWellFormed(layout.name, files[0]?.text ?? '')
      const found = texts.flatMap((text) => {
        assert.match(text, /^[\x20-\x7e\n]*$/)
        const read = readExclusions(text, 'x.conf', platform)
        assert.equal(read.diagnostics.map(formatDiagnostic), [], text)
        return read.exclusions
      })
      const expected = list.flatMap((each) =>
        readExclusions(each.directive, 'x.conf', platform).exclusions.map((read) => brief(read, each.key)),
      )
      assert.equal(found.map((each) => brief(each, each.key)).sort(), expected.sort(), texts.join('\n----\n'))
      const again = applyLayout(
        layout,
        list,
        { ...options, messages, today: '2027-01-01' },
        (name) => files.find((file) => file.name === name)?.text ?? null,
      )
      assert.equal(
        again.map(({ text }) => text),
        files.map(({ text }) => text),
      )
    }
  })

function brief(
  { kind, placement, selector, targets, holder, conditions }: ReturnType<typeof readExclusions>['exclusions'][number],
  key: string | null,
): string {
  return JSON.stringify([key, kind, placement, selector, targets, holder, conditions])
}

for (const layout of layouts)
  test(`${layout.name}: an update keeps dates, what people changed and all that stands outside of the blocks`, () => {
    const [platform] = layout.platforms
    assert.ok(platform)
    const run = (list: readonly Exclusion[], today: string, files: readonly AppliedFile[]): readonly AppliedFile[] =>
      applyLayout(layout, list, { ...options, today }, (name) => files.find((file) => file.name === name)?.text ?? null)
    const first = renderLayout(layout, three, options)
    const same = run([...three].reverse(), '2027-05-05', first)
    assert.equal(
      same.map(({ text }) => text),
      first.map(({ text }) => text),
    )
    assert.is(same.flatMap(({ unchanged }) => unchanged).length, 3)

    const touched = first.map((file) => ({ ...file, text: file.text.replace('@streq /contact', '@streq /contact-us') }))
    const changed = [removal(942_100), exclusion({ ruleIds: [941_100] }), removal(932_130)]
    const second = run(changed, '2027-05-05', touched)
    const joined = second.map(({ text }) => text).join('\n')
    assert.match(joined, '/contact-us')
    assert.not.match(joined, 'tx.allowed_methods')
    assert.ok(joined.indexOf('SecRuleRemoveById 932130') < joined.indexOf('SecRuleRemoveById 942100'))
    assert.match(joined, /rules=942100 ids= date=2026-12-01/)
    assert.match(joined, /rules=932130 ids= date=2027-05-05/)
    assert.equal(
      second.flatMap(({ edited }) => edited.map(({ key, proposed }) => [key, proposed])),
      [['k941100', true]],
    )
    assert.equal(
      second.flatMap(({ removed }) => removed),
      ['setting'],
    )
    assert.equal(
      second.flatMap(({ added }) => added),
      ['k932130'],
    )
    const back = run(three, '2026-12-01', second)
    const restored = back.map((file) => file.text.replace('/contact-us', '/contact'))
    assert.equal(
      restored,
      first.map(({ text }) => text),
    )
  })

test('what stands around blocks is kept byte for byte: line ends, bytes above 127, text without a line end', () => {
  const layout = layoutFor('inline', 'modsec3')
  const text = only(renderLayout(layout, three, options))
  const around = `# caf\xe9 \xff\r\nSecRule ARGS "@rx x" "id:5,phase:2,deny"\r\n${text.replace(/\n/g, '\r\n')}# the end`
  const [applied] = applyLayout(
    layout,
    [removal(942_100), exclusion({ ruleIds: [942_999], configIds: [10_002] })],
    options,
    () => around,
  )
  assert.ok(applied)
  assert.ok(applied.text.startsWith('# caf\xe9 \xff\r\nSecRule ARGS "@rx x" "id:5,phase:2,deny"\r\n'))
  assert.ok(applied.text.endsWith('\r\n# the end'))
  assert.not.match(applied.text, /[^\r]\n/)
  const [people] = applyLayout(layout, three, options, () => 'SecRuleRemoveById 1')
  assert.ok(people?.text.startsWith('SecRuleRemoveById 1\n# wafsim:section place=setup\n'))
})

test('marks without a partner are reported and their lines left alone', () => {
  const layout = layoutFor('inline', 'modsec3')
  const lines = only(renderLayout(layout, [removal(942_100)], options)).split('\n')
  const cut = lines.filter((line) => !line.includes('wafsim:end')).join('\n')
  const [applied] = applyLayout(layout, [], options, () => cut)
  assert.is(applied?.text, cut)
  assert.equal(applied?.broken, [4])
})

test('ids are read back by key', () => {
  const list = [exclusion({ key: 'a', configIds: [10_001, 10_002] }), exclusion({ key: 'b', configIds: [10_003] })]
  for (const name of ['caddy', 'spoa', 'proxy-wasm', 'inline']) {
    const text = only(rendered(name, 'coraza', list))
    const { previous, taken } = idsInFile(text)
    assert.equal(Object.fromEntries(previous), { a: 10_001, 'a#1': 10_002, b: 10_003 })
    assert.is(taken.size, 0)
  }
})

test('ids that people gave their own rules are taken, also in a block they changed', () => {
  const text = only(rendered('inline', 'modsec3')).replace('id:10001,', 'id:10777,')
  const { previous, taken } = idsInFile(`SecAction "id:'5',pass"\n${text}SecAction "phase:1,id:10888,pass"\n`)
  assert.equal([...taken].sort(), [10_777, 10_888, 5])
  assert.is(previous.get('k941100'), 10_001)
})

test('changes that people make anywhere never cost a line of theirs', () => {
  const next = random(42)
  const pick = (count: number): number => Math.floor(next() * count)
  for (let round = 0; round < 600; round++) {
    const layout = layouts[round % layouts.length]
    const [platform] = layout?.platforms ?? []
    assert.ok(layout && platform)
    const first = renderLayout(layout, three, options)
    const files = first.map((file) => {
      const lines = file.text.split('\n')
      for (let change = pick(4); change > 0; change--) {
        const at = pick(lines.length)
        const kind = pick(3)
        if (kind === 0) lines.splice(at, 1)
        else if (kind === 1) lines.splice(at, 0, `# people ${round}.${change}`)
        else lines.splice(at, 0, lines[pick(lines.length)] ?? '')
      }
      return { ...file, text: lines.join('\n') }
    })
    const read = (name: string): string | null => files.find((file) => file.name === name)?.text ?? null
    let second: readonly AppliedFile[]
    try {
      second = applyLayout(layout, [removal(942_100), removal(932_130)], { ...options, today: '2027-01-01' }, read)
    } catch (error) {
      assert.instance(error, UsageError)
      continue
    }
    for (const [at, file] of second.entries()) {
      const written = file.text.split('\n')
      for (const line of files[at]?.text.split('\n') ?? [])
        if (line.includes('# people'))
          assert.ok(written.includes(line), `${line}\n${files[at]?.text}\n----\n${file.text}`)
    }
    const again = applyLayout(
      layout,
      [removal(942_100), removal(932_130)],
      options,
      (name) => second.find((file) => file.name === name)?.text ?? null,
    )
    assert.equal(
      again.map(({ text }) => text),
      second.map(({ text }) => text),
    )
  }
})

test('files on disk are replaced as a whole, and left alone where nothing changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-layouts-'))
  try {
    const path = join(folder, 'exclusions.conf')
    writeFileSync(path, '# mine: caf\xe9\n', 'latin1')
    updateFiles(path, layoutFor('inline', 'modsec3'), three, options)
    const text = readFileSync(path, 'latin1')
    assert.ok(text.startsWith('# mine: caf\xe9\n'))
    assert.equal(readdirSync(folder), ['exclusions.conf'])
    assert.is(updateFiles(path, layoutFor('inline', 'modsec3'), three, options)[0]?.text, text)
    updateFiles(folder, layoutFor('crs', 'modsec3'), three, options)
    assert.is(readdirSync(folder).length, 3)
    const { exclusions, texts, diagnostics } = readWritten(folder, 'modsec3')
    assert.equal(diagnostics, [])
    assert.is(exclusions.length, 6)
    assert.equal(
      texts.map(({ placement, name }) => [placement, name.slice(folder.length + 1, folder.length + 9)]),
      [
        ['setup', 'REQUEST-'],
        ['setup', 'exclusio'],
        ['before', 'REQUEST-'],
        ['before', 'exclusio'],
        ['after', 'RESPONSE'],
        ['after', 'exclusio'],
      ],
    )
    assert.throws(
      () => updateFiles(path, layoutFor('crs', 'modsec3'), three, options),
      (error: unknown) => error instanceof UsageError,
    )
    assert.throws(
      () => updateFiles(join(folder, 'no', 'x'), layoutFor('inline', 'modsec3'), three, options),
      (error: unknown) => error instanceof UsageError,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
