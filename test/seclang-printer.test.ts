/**
 * The SecLang printer: what is printed parses to the same tree, on CRS files and on made-up rules.
 */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatDiagnostic } from '../engine/errors.js'
import { type LexicalRules, lexicalRules } from '../engine/seclang/lexical-rules.js'
import { parseFile } from '../engine/seclang/parser.js'
import { printNode, printTree } from '../engine/seclang/printer.js'
import { crsFiles } from './support/test-data.js'

/** The tree without places. */
function bare(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === 'span' || key === 'breaks' ? undefined : part)))
}

function assertRoundTrip(path: string, text: string, rules: LexicalRules): void {
  const first = parseFile(path, text, rules)
  const printed = printTree(first.tree, rules)
  const second = parseFile(path, printed, rules)
  assert.equal(second.diagnostics.map(formatDiagnostic), [], printed)
  const same = JSON.stringify(bare(second.tree)) === JSON.stringify(bare(first.tree))
  if (!same) assert.equal(bare(second.tree), bare(first.tree), `${text}\n----\n${printed}`)
  assert.is(printTree(second.tree, rules), printed, 'printing again changes nothing')
}

test('layout', () => {
  const text =
    "# note\n<IfModule a.c>\nsecrule ARGS|!ARGS:x '@streq it' id:1,phase:2,msg:'a,b',t:none,pass\n</IfModule>\nSecRuleEngine   On\n"
  const { tree } = parseFile('t', text)
  assert.is(
    printTree(tree),
    '# note\n<IfModule a.c>\n    SecRule ARGS|!ARGS:x "@streq it" \\\n        "id:1,\\\n        phase:2,\\\n        msg:\'a,b\',\\\n' +
      '        t:none,\\\n        pass"\n</IfModule>\nSecRuleEngine On\n',
  )
  const last = tree.items.at(-1)
  assert.ok(last)
  assert.is(printNode(last), 'SecRuleEngine On')
  assert.is(printTree({ path: 't', items: [] }), '')
})

const hard = [
  `SecRule "ARGS:a b|ARGS:'x|y'|ARGS:'/a|b\\'c/'|XML:'//a|//b'|XML:/*" "!@rx \\"[^\\\\\\"]+\\d" "id:1,msg:'it\\'s \\"x\\", y',setvar:'tx.a= b ',tag:"`,
  `SecRule ARGS '@contains "a" \\d' 'id:1,msg:"a"'`,
  'SecRule ARGS "@rx  two" "id:1"',
  'SecRule ARGS " x" "id:1"',
  'SecRule ARGS "!" "id:1"',
  'SecAction "id:1,msg:a\\b\'c,nolog,setvar:tx.%{rule.id}-x=%{TX.0}"',
  'SecX a\\ b "c d" \'e"f\' "" "g\\\\" "h\\"i"',
  'SecDataset d `\none\n#two\n`',
  '<Location "/a b">\n<IfDefine !X>\n#\n</IfDefine>\n</Location>',
]

for (const [platform, rules] of Object.entries(lexicalRules)) {
  test(`hard cases, read as ${platform}`, () => {
    for (const text of hard) {
      assert.equal(parseFile('t', text, rules).diagnostics.map(formatDiagnostic), [], text)
      assertRoundTrip('t', text, rules)
    }
  })

  test(`made-up rules, read as ${platform}`, () => {
    const random = generator(20)
    let kept = 0
    for (let round = 0; round < 3000; round++) {
      const text = madeUpFile(random)
      if (parseFile('t', text, rules).diagnostics.some((d) => d.severity === 'error')) continue
      kept++
      assertRoundTrip('t', text, rules)
    }
    assert.ok(kept > 1500, `${kept} of 3000 are sound`)
  })

  test(`CRS files, read as ${platform}`, () => {
    for (const path of crsFiles(`CRS files in the printer, ${platform}`))
      assertRoundTrip(path, readFileSync(path, 'latin1'), rules)
  })
}

/** Numbers below a bound, the same every run. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

function madeUpFile(random: (below: number) => number): string {
  const pick = (from: readonly string[]) => from[random(from.length)] ?? ''
  const many = (from: readonly string[], most: number) =>
    Array.from({ length: random(most + 1) }, () => pick(from)).join('')
  const continued = () => (random(4) === 0 ? ' \\\n  ' : ' ')
  const free = [
    'a',
    'B',
    '7',
    '\\d',
    '\\\\',
    ' ',
    '\t',
    "\\'",
    '\\"',
    '%{TX.a}',
    ':',
    '=',
    ';',
    '#',
    '/',
    '[^',
    ']',
    '@',
    '!',
    '\xe9',
    '\xa0',
    '+',
    '$',
    '`',
  ]
  const value = () =>
    random(2) === 0
      ? `'${many([...free, ',', '|'], 6)}'`
      : many(['a', 'b9', '\\w', '.', '%{x}', '-', '"'].slice(0, 6), 4)
  const selector = () => {
    const forms = [
      () => '',
      () => `:${many(['a', '-', '_', '7', '.', '[', '*', '$'], 5) || 'x'}`,
      () => `:/${many(['a', '\\/', '^', '.', '\\d', '$'], 5)}/`,
      () => `:'/${many(['a', '|', ',', '\\/', "\\'", '^'], 5)}/'`,
      () => `:'${many(['a', '|', ',', "\\'", '-'], 5) || 'x'}'`,
    ]
    return (forms[random(forms.length)] as () => string)()
  }
  const target = () => `${pick(['', '', '!', '&'])}${pick(['ARGS', 'TX', 'REQUEST_HEADERS'])}${selector()}`
  const targets = () => Array.from({ length: 1 + random(3) }, target).join(pick(['|', ',']))
  const operator = () => `"${pick(['', '@rx ', '!@rx ', '@pm  ', '!', '@ge'])}${many(free, 8)}"`
  const action = () => `${pick(['id', 'msg', 'setvar', 't', 'ctl', 'chain'])}${random(5) === 0 ? '' : `:${value()}`}`
  const actions = () => Array.from({ length: 1 + random(5) }, action).join(pick([',', ', ', ',\\\n    ']))
  const item = (): string => {
    const forms = [
      () => `#${many(free, 5)}x`,
      () => `SecAction${continued()}"${actions()}"`,
      () => `SecRule ${targets()}${continued()}${operator()}${continued()}"${actions()}"`,
      () => `SecRule ${targets()} ${operator()}`,
      () => `Sec${pick(['Marker', 'X'])} ${many(['a', '\\x', '7', '/'], 3)} "${many(free, 4)}"`,
      () => `<IfModule ${pick(['a.c', '!b.c', '"c d"'])}>\n${item()}\n</IfModule>`,
    ]
    return (forms[random(forms.length)] as () => string)()
  }
  return Array.from({ length: 1 + random(3) }, item).join(pick(['\n', '\r\n\n']))
}

test.run()
