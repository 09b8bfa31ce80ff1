/**
 * The SecLang parser: lexing, targets, operators, actions, containers, places, recovery; and the CRS
 * releases at hand, read exactly.
 */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatDiagnostic } from '../engine/errors.js'
import type { DirectiveNode, Node, RuleNode, UnconditionalNode } from '../engine/seclang/ast.js'
import { type LexicalRules, lexicalRules } from '../engine/seclang/lexical-rules.js'
import { parseMacroText, printMacroText } from '../engine/seclang/macro.js'
import { parseFile } from '../engine/seclang/parser.js'
import { parseActions, parseTargets } from '../engine/seclang/rule-parser.js'
import { crsFiles } from './support/test-data.js'

const { coraza, modsec2, modsec3 } = lexicalRules

function parse(text: string, rules: LexicalRules = modsec3): readonly Node[] {
  const { tree, diagnostics } = parseFile('t.conf', text, rules)
  assert.equal(diagnostics.map(formatDiagnostic), [], text)
  return tree.items
}

function rule(text: string, rules: LexicalRules = modsec3): RuleNode {
  const [node] = parse(text, rules)
  assert.is(node?.type, 'rule')
  return node as RuleNode
}

function codes(text: string, rules: LexicalRules = modsec3): string[] {
  return parseFile('t.conf', text, rules).diagnostics.map((d) => `${d.span.line}:${d.span.column} ${d.code}`)
}

function targets(text: string): unknown[] {
  return rule(`SecRule ${text} "@eq 1" "id:1"`).targets.map(({ span, ...rest }) => rest)
}

function actions(text: string): unknown[] {
  const [node] = parse(`SecAction "${text}"`)
  return (node as UnconditionalNode).actions.map(({ name, argument }) => [name, argument])
}

function operator(text: string, rules: LexicalRules = modsec3): unknown[] {
  const { negated, name, argument } = rule(`SecRule ARGS ${text} "id:1"`, rules).operator
  return [negated, name, argument]
}

const name = (text: string) => ({ kind: 'name', text })
const regex = (pattern: string) => ({ kind: 'regex', pattern })
const target = (variable: string, selector: unknown = null, sign = '') => ({
  variable,
  selector,
  count: sign === '&',
  negated: sign === '!',
})

test('targets: names, counts, exclusions, both separators', () => {
  assert.equal(targets('REQUEST_HEADERS:User-Agent|&ARGS|!ARGS:token'), [
    target('REQUEST_HEADERS', name('User-Agent')),
    target('ARGS', null, '&'),
    target('ARGS', name('token'), '!'),
  ])
  assert.equal(targets('ARGS,ARGS_NAMES'), [target('ARGS'), target('ARGS_NAMES')])
  assert.equal(targets('"ARGS | !ARGS:a b"'), [target('ARGS'), target('ARGS', name('a b'), '!')])
  assert.equal(targets('MULTIPART_PART_HEADERS:_charset_'), [target('MULTIPART_PART_HEADERS', name('_charset_'))])
})

test('targets: patterns with bars, slashes and quotes', () => {
  assert.equal(targets('TX:/^MSC_/'), [target('TX', regex('^MSC_'))])
  assert.equal(targets('ARGS:/^b\\/c$/|ARGS:x'), [target('ARGS', regex('^b\\/c$')), target('ARGS', name('x'))])
  assert.equal(targets("ARGS:'/a|b,c/'|TX:x"), [target('ARGS', regex('a|b,c')), target('TX', name('x'))])
  assert.equal(targets("ARGS:'/it\\'s/'"), [target('ARGS', regex("it's"))])
  assert.equal(targets("ARGS:'b|c'|ARGS:'d\\'e'"), [target('ARGS', name('b|c')), target('ARGS', name("d'e"))])
  assert.equal(targets('ARGS:/[/]x/'), [target('ARGS', regex('[/]x'))])
})

test('targets: a bare bar in a pattern is read as meant and warned about', () => {
  const { tree, diagnostics } = parseFile('t.conf', 'SecRule !ARGS:/re|gex/|TX:a "@eq 1" "id:1"')
  assert.equal(
    diagnostics.map((d) => [d.code, d.severity]),
    [['bare-bar', 'warning']],
  )
  assert.equal(
    (tree.items[0] as RuleNode).targets.map((t) => t.selector),
    [regex('re|gex'), name('a')],
  )
})

test('targets: XPath selectors are names', () => {
  assert.equal(targets('XML:/*|XML://@*'), [target('XML', name('/*')), target('XML', name('//@*'))])
  assert.equal(targets('"XML:/a[contains(@b,\'x|y\')]/text(),ARGS"'), [
    target('XML', name("/a[contains(@b,'x|y')]/text()")),
    target('ARGS'),
  ])
})

test('operators: sign, name, argument, pattern alone', () => {
  assert.equal(operator('"@ge 5"'), [false, 'ge', '5'])
  assert.equal(operator('"!@rx ^a b$"'), [true, 'rx', '^a b$'])
  assert.equal(operator('"^a@b$"'), [false, 'rx', '^a@b$'])
  assert.equal(operator('"!^x"'), [true, 'rx', '^x'])
  assert.equal(operator('!@detectSQLi'), [true, 'detectSQLi', ''])
  assert.equal(operator('"!"'), [true, 'rx', ''])
  assert.equal(operator("'@streq it is'"), [false, 'streq', 'it is'])
})

test('operators: blanks as each engine reads them', () => {
  assert.equal(operator('"@streq  y "', modsec3), [false, 'streq', ' y '])
  assert.equal(operator('"@streq  y "', modsec2), [false, 'streq', 'y '])
  assert.equal(operator('"@streq  y "', coraza), [false, 'streq', 'y'])
  assert.equal(operator('"! @streq y"', modsec2), [true, 'streq', 'y'])
  assert.equal(operator('"! @streq y"', modsec3), [true, 'rx', ' @streq y'])
  assert.equal(operator('" y"', modsec2), [false, 'rx', ' y'])
})

test('backslashes: as each engine reads them', () => {
  const written = '"@contains a\\"b\\\\c\\d"'
  assert.equal(operator(written, modsec2), [false, 'contains', 'a"b\\c\\d'])
  assert.equal(operator(written, coraza), [false, 'contains', 'a"b\\\\c\\d'])
  assert.equal(operator(written, modsec3), [false, 'contains', 'a\\"b\\\\c\\d'])
  assert.equal(operator('"a\\\\"'), [false, 'rx', 'a\\\\'], 'a pair before the quote does not escape it')
})

test('actions: values, quotes, blanks', () => {
  assert.equal(actions("id:'200000',phase : 2, pass ,t:none"), [
    ['id', '200000'],
    ['phase', '2'],
    ['pass', null],
    ['t', 'none'],
  ])
  assert.equal(actions("msg:'a: b, c\\'d',setvar:'tx.a=%{x}',setvar:tx.b=+%{tx.c}"), [
    ['msg', "a: b, c'd"],
    ['setvar', 'tx.a=%{x}'],
    ['setvar', 'tx.b=+%{tx.c}'],
  ])
  assert.equal(actions('ctl:ruleRemoveTargetById=942100;ARGS:foo,logdata:x y '), [
    ['ctl', 'ruleRemoveTargetById=942100;ARGS:foo'],
    ['logdata', 'x y'],
  ])
  assert.equal(actions('msg:\'say \\"hi\\" \\d\',tag:'), [
    ['msg', 'say "hi" \\d'],
    ['tag', ''],
  ])
})

test('lines: continuation, CRLF, comments, high bytes', () => {
  const items = parse(
    '# one\r\nsecrule ARGS \\\r\n  "@rx a\\\r\n  b" \\\r\n  "id:1,\\\r\n  msg:\'caf\xc3\xa0\'"\r\n\r\n#two',
  )
  assert.equal(
    items.map((n) => n.type),
    ['comment', 'rule', 'comment'],
  )
  const found = items[1] as RuleNode
  assert.is(found.operator.argument, 'a  b')
  assert.is(found.actions[1]?.argument, 'caf\xc3\xa0')
  assert.is((items[0] as { text?: string }).text, ' one')
})

test('lines: a byte 0xA0 at the end of a value is no blank', () => {
  assert.equal(actions('msg:\xc3\xa0'), [['msg', '\xc3\xa0']])
  const [node] = parse('SecMarker \xc3\xa0')
  assert.is((node as DirectiveNode).arguments[0]?.text, '\xc3\xa0')
})

test('comments inside a continued directive, and comments that end in a backslash', () => {
  const inside = 'SecRule ARGS \\\n# why\n "@streq y" "id:1"\n'
  assert.is(rule(inside, coraza).operator.argument, 'y')
  assert.ok(codes(inside, modsec2).length > 0, 'Apache takes it for text')
  const ending = '# a \\\nSecRuleEngine On\n'
  assert.equal(
    parse(ending, modsec3).map((n) => n.type),
    ['comment', 'directive'],
  )
  assert.equal(codes(ending, modsec2), ['2:1 swallowed-by-comment'])
  assert.equal(
    parseFile('t.conf', ending, modsec2).tree.items.map((n) => n.type),
    ['comment'],
  )
})

test('directives and containers', () => {
  const items = parse(
    '<IfModule mod_security2.c>\n SecRuleEngine DetectionOnly\n <LocationMatch "^/a>b$">\n  SecRuleRemoveById 1 "2-3"\n </locationmatch>\n</IfModule>\n' +
      'SecAuditLogRelevantStatus "^(?:5|4(?!04))"\nSecArgumentSeparator &\nSecMarker ""\n',
  )
  assert.equal(items.length, 4)
  const block = items[0]
  assert.ok(block?.type === 'block')
  assert.equal([block.name, block.argument], ['IfModule', 'mod_security2.c'])
  const inner = block.items[1]
  assert.ok(inner?.type === 'block')
  assert.is(inner.argument, '"^/a>b$"')
  assert.equal(
    (inner.items[0] as DirectiveNode).arguments.map((a) => a.text),
    ['1', '2-3'],
  )
  assert.equal(
    items.slice(1).map((n) => (n as DirectiveNode).arguments[0]?.text),
    ['^(?:5|4(?!04))', '&', ''],
  )
})

test('datasets of Coraza', () => {
  const [node] = parse('SecDataset words `\none\n two "x\n`\n')
  assert.equal(
    (node as DirectiveNode).arguments.map((a) => a.text),
    ['words', 'one\ntwo "x\n'],
  )
})

test('places stand at the real line and column, also in continued lines and behind escapes', () => {
  const text = 'SecRule "ARGS|\\\n  TX:a" "@rx \\"q\\"" \\\n\t"id:7,msg:\'x\\"y\',\\\n   chain"\n'
  const node = rule(text, coraza)
  const lines = text.split('\n')
  const at = (span: { line: number; column: number; length: number }) =>
    (lines[span.line - 1] ?? '').slice(span.column - 1, span.column - 1 + span.length)
  assert.equal(
    node.targets.map((t) => at(t.span)),
    ['ARGS', 'TX:a'],
  )
  assert.is(at(node.operator.span), '@rx \\"q\\"')
  assert.equal(
    node.actions.map((a) => at(a.span)),
    ['id:7', "msg:'x\\\"y'", 'chain'],
  )
  assert.equal(
    node.actions.map((a) => a.span.line),
    [3, 3, 4],
  )
  assert.is(at(node.span), 'SecRule')
})

test('arguments of directives keep their places for a second parse', () => {
  const text = 'SecRuleUpdateTargetById 1 "!ARGS:a|\\\n  !ARGS:b"\nSecDefaultAction "phase:1,\\\n log"\n'
  const [update, defaults] = parse(text) as DirectiveNode[]
  const list = update?.arguments[1]
  assert.ok(list)
  const parsed = parseTargets(list.text, list)
  assert.equal(parsed.diagnostics, [])
  assert.equal(
    parsed.targets.map((t) => [t.span.line, t.span.column]),
    [
      [1, 28],
      [2, 3],
    ],
  )
  const written = defaults?.arguments[0]
  assert.ok(written)
  assert.equal(
    parseActions(written.text, written).actions.map((a) => [a.name, a.span.line, a.span.column]),
    [
      ['phase', 3, 19],
      ['log', 4, 2],
    ],
  )
  assert.equal(
    parseActions('log,,pass', written.span).diagnostics.map((d) => d.code),
    ['bad-action'],
  )
})

test('every error of a file is reported, and what is sound is read', () => {
  const text = [
    'SecRule ARGS "@rx a" "id:1', // 1
    'SecRule ARGS', // 2
    'SecRule', // 3
    'SecAction', // 4
    'SecRule ARGS "id:2,phase:1,pass"', // 5
    'SecRule ARGS "@rx a"b" "id:3"', // 6
    '  "id:4,pass"', // 7
    '%20Directive', // 8
    '<IfModule a.c', // 9
    '</Location>', // 10
    'SecRule ARGS||TX:a "@ 1" "id:5"', // 11
    'SecRule ARGS:/a "@rx b" "id:6,,msg:\'x"', // 12
    'SecRule ARGS: "" "id:7"', // 13
    'SecRuleEngine \xe2\x80\x9cOn\xe2\x80\x9d', // 14
    'Sec\0Rule', // 15
    'SecRule ARGS "@rx a" "id:8" # why', // 16
    'SecMarker END', // 17
  ].join('\n')
  const { tree, diagnostics } = parseFile('bad.conf', text)
  assert.equal(
    diagnostics.map((d) => `${d.span.line}:${d.span.column} ${d.code}`),
    [
      '1:22 unbalanced-quote',
      '2:1 missing-operator',
      '3:1 missing-argument',
      '4:1 missing-argument',
      '5:15 missing-operator',
      '6:21 stray-text',
      '7:3 stray-text',
      '8:1 unknown-characters',
      '9:1 unclosed-block',
      '10:1 unexpected-block-end',
      '11:14 bad-target',
      '11:21 missing-operator',
      '12:14 unclosed-regex',
      '12:31 bad-action',
      '12:36 unbalanced-quote',
      '13:13 bad-target',
      '13:16 missing-operator',
      '14:15 unknown-characters',
      '15:4 unknown-characters',
      '16:29 stray-text',
      '9:1 unclosed-block',
    ],
  )
  assert.ok(diagnostics.every((d) => d.severity === 'error' && d.hint !== undefined && d.span.file === 'bad.conf'))
  assert.is(diagnostics[1]?.excerpt, 'SecRule ARGS')
  const [block] = tree.items.slice(-1)
  assert.ok(block?.type === 'block', 'the unclosed container holds what follows it')
  assert.is((block.items.at(-1) as DirectiveNode).name, 'SecMarker')
})

test('warnings do not spoil a file', () => {
  const text = 'SecRule ARGS "@rx a" \\  \n "id:1,"\nSecRuleEngine On \\'
  const { tree, diagnostics } = parseFile('t.conf', text)
  assert.equal(
    diagnostics.map((d) => [d.severity, d.code, d.span.line]),
    [
      ['warning', 'blank-after-backslash', 1],
      ['warning', 'continued-at-end', 3],
      ['warning', 'stray-text', 2],
    ],
  )
  assert.equal(tree.items.length, 2)
})

test('containers that cross are reported at the inner one', () => {
  const text = '<IfModule a>\n<IfDefine b>\nSecMarker x\n</IfModule>\nSecMarker y\n'
  const { tree, diagnostics } = parseFile('t.conf', text)
  assert.equal(
    diagnostics.map((d) => `${d.span.line} ${d.code}`),
    ['2 unclosed-block'],
  )
  assert.equal(
    tree.items.map((n) => n.type),
    ['block', 'directive'],
  )
})

test('any bytes are parsed without a throw', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % below
  }
  const pieces = [
    'SecRule ',
    'ARGS',
    '"',
    "'",
    '\\',
    '\n',
    '\r\n',
    ' ',
    '|',
    ',',
    ':',
    '/',
    '@rx ',
    '!',
    '<IfModule x>',
    '</IfModule>',
    '#',
    '%{',
    'id:1',
    '\xff',
    '\0',
    '`',
    'SecDataset a `',
  ]
  for (let round = 0; round < 2000; round++) {
    let text = ''
    for (let i = random(30); i >= 0; i--) text += pieces[random(pieces.length)] ?? ''
    for (const rules of [coraza, modsec2, modsec3]) {
      const lines = text.split('\n').length
      for (const { span } of parseFile('f', text, rules).diagnostics)
        assert.ok(span.line >= 1 && span.line <= lines && span.column >= 1 && span.length >= 1, JSON.stringify(text))
    }
  }
})

test('macros', () => {
  assert.equal(parseMacroText(''), [])
  assert.equal(parseMacroText('plain 5%'), ['plain 5%'])
  assert.equal(parseMacroText('tx.%{rule.id}-x'), ['tx.', { variable: 'rule', key: 'id' }, '-x'])
  assert.equal(parseMacroText('%{REQUEST_METHOD}%{TX.a.b}'), [
    { variable: 'REQUEST_METHOD', key: null },
    { variable: 'TX', key: 'a.b' },
  ])
  assert.equal(parseMacroText('%{tx.a-%{b}}'), [{ variable: 'tx', key: 'a-%{b' }, '}'])
  assert.equal(parseMacroText('a %{} %{tx.open'), ['a %{} %{tx.open'])
  for (const text of ['%{a}b%{c.d}', '%%{a}', '%{}', 'x%{tx.a', '%{tx.}'])
    assert.is(printMacroText(parseMacroText(text)), text)
})

test('the CRS releases at hand are read exactly', () => {
  for (const path of crsFiles('CRS files in the parser')) {
    const text = readFileSync(path, 'latin1')
    const { tree, diagnostics } = parseFile(path, text)
    assert.equal(diagnostics.map(formatDiagnostic), [])
    const written = text.split('\n')
    const starts = (pattern: RegExp) => written.filter((line) => pattern.test(line)).length
    assert.is(tree.items.filter((n) => n.type === 'rule').length, starts(/^\s*SecRule\s/), path)
    assert.is(tree.items.filter((n) => n.type === 'action').length, starts(/^\s*SecAction\s/), path)
    assert.is(tree.items.filter((n) => n.type === 'comment').length, starts(/^\s*#/), path)
    for (const node of tree.items) {
      if (node.type !== 'rule') continue
      const line = written[node.operator.span.line - 1] ?? ''
      const plain = /^\s*SecRule\s+(\S+)\s+"(!?)@(\w+) ?(.*?)"(?:\s+\\| "[^"]*"| "[^"]*\\)?$/.exec(line)
      if (plain === null) continue
      const [, list = '', sign, name, argument] = plain
      assert.equal(
        [node.operator.negated ? '!' : '', node.operator.name, node.operator.argument],
        [sign, name, argument],
        path,
      )
      const split = list.split('|')
      if (!list.includes("'")) assert.is(node.targets.length, split.length, list)
      node.targets.forEach((t, i) => {
        const shown = line.slice(t.span.column - 1, t.span.column - 1 + t.span.length)
        if (!list.includes("'")) assert.is(shown, split[i])
      })
    }
    const ids = (text.match(/^[^#\n]*\bid:'?\d+/gm) ?? []).map((found) => /\d+$/.exec(found)?.[0])
    const read = tree.items.flatMap((n) => (n.type === 'rule' || n.type === 'action' ? n.actions : []))
    assert.equal(
      read.filter((a) => a.name === 'id').map((a) => a.argument),
      ids,
      path,
    )
    for (const { name, span } of read) {
      assert.ok(/^[A-Za-z]+$/.test(name), `${path} ${name}`)
      assert.is((written[span.line - 1] ?? '').slice(span.column - 1, span.column - 1 + name.length), name)
    }
  }
})

test.run()
