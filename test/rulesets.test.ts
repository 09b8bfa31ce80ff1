/**
 * What `--rules` and the options beside it become: parts in load order, settings under the names of the
 * release, errors that say what to do.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../engine/errors.js'
import { parseFile } from '../engine/seclang/parser.js'
import { installCrs, isCrsTree, type RulesetPlan, type RulesetRequest, resolveRuleset } from '../rulesets/index.js'
import { madeUpRelease, writeFiles } from './support/made-up-crs.js'
import { announceSkipped, crsTree, debianCrs } from './support/test-data.js'

const test = suite('rulesets')
let folder = ''
let four = ''
let three = ''

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafsim-rulesets-'))
  four = writeFiles(join(folder, 'four'), madeUpRelease())
  three = writeFiles(join(folder, 'three'), madeUpRelease('3.9.9'))
  writeFiles(join(folder, 'own'), { 'b.conf': 'SecMarker B\n', 'a.conf': 'SecMarker A\n', 'note.txt': '' })
  for (const name of ['setup', 'before', 'after', 'engine']) writeFileSync(join(folder, `${name}.conf`), `# ${name}\n`)
})

test.after(() => {
  rmSync(folder, { recursive: true })
})

function resolve(rules: string | readonly string[], more: Partial<RulesetRequest> = {}): RulesetPlan {
  const home = join(folder, 'home')
  const nowhere = join(folder, 'nowhere')
  return resolveRuleset({ rules: [rules].flat(), platform: 'modsec3', home, debianFolder: nowhere, ...more })
}

/** Names of the parts; texts of the command line as `<settings>`. */
function names(plan: RulesetPlan): string[] {
  return plan.parts.map((part) => (part.kind === 'file' ? basename(part.path) : `<${part.name.split(' ')[0]}>`))
}

function settings(plan: RulesetPlan): string[] {
  return plan.settings.map(({ name, value }) => `${name}=${value}`)
}

function message(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  return 'nothing was thrown'
}

const given = () => ({
  setup: [join(folder, 'setup.conf')],
  before: [join(folder, 'before.conf')],
  after: [join(folder, 'after.conf')],
})

test('a CRS tree is loaded the CRS way', () => {
  const plan = resolve(four, given())
  assert.equal(names(plan), [
    'modsec3.conf',
    'crs-setup.conf.example',
    'setup.conf',
    'a-config.conf',
    '<settings>',
    'before.conf',
    'a-before.conf',
    'REQUEST-901-INITIALIZATION.conf',
    'REQUEST-942-APPLICATION-ATTACK-SQLI.conf',
    'REQUEST-949-BLOCKING-EVALUATION.conf',
    'a-after.conf',
    'after.conf',
  ])
  assert.is(plan.engineMode, 'on')
  assert.is(plan.crs?.version, '4.99.1')
  assert.match(plan.name, /^OWASP CRS 4\.99\.1/)
})

test('crs-setup.conf wins over the example, and exclusion files are loaded where present', () => {
  const own = writeFiles(join(folder, 'full'), {
    ...madeUpRelease(),
    'crs-setup.conf': '# mine\n',
    'rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf': '# mine\n',
    'rules/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf': '# mine\n',
  })
  const found = names(resolve(own))
  assert.is(found[1], 'crs-setup.conf')
  assert.not.ok(found.includes('crs-setup.conf.example'))
  assert.equal(
    found.filter((name) => /^RE/.test(name)).map((name) => name.slice(0, 12)),
    ['REQUEST-900-', 'REQUEST-901-', 'REQUEST-942-', 'REQUEST-949-', 'RESPONSE-999'],
  )
  assert.equal(names(resolve(join(own, 'rules'))), found, 'its rules folder stands for the tree')
})

test('the engine configuration follows the platform or is the given one', () => {
  for (const platform of ['modsec2', 'modsec3', 'coraza'] as const) {
    const [first] = resolve(four, { platform }).parts
    assert.ok(first?.kind === 'file')
    assert.is(basename(first.path), `${platform}.conf`)
    const text = readFileSync(first.path, 'latin1')
    assert.equal(parseFile(first.path, text).diagnostics, [])
    assert.match(text, /^SecRequestBodyAccess On$/m)
    for (const id of [200000, 200001, 200002, 200003]) assert.match(text, new RegExp(`id:${id},`))
  }
  assert.is(names(resolve(four, { engineConf: join(folder, 'engine.conf') }))[0], 'engine.conf')
})

test('plain files: setup and before first, after last, no engine configuration, mode of the files', () => {
  const plan = resolve([join(folder, 'own', 'b.conf'), join(folder, 'own')], given())
  assert.equal(names(plan), ['setup.conf', 'before.conf', 'b.conf', 'a.conf', 'b.conf', 'after.conf'])
  assert.is(plan.engineMode, undefined)
  assert.is(plan.crs, null)
  assert.equal(names(resolve(join(folder, 'own', '*.conf'))), ['a.conf', 'b.conf'])
  assert.is(names(resolve(join(folder, 'own'), { engineConf: join(folder, 'engine.conf') }))[0], 'engine.conf')
})

test('a tree and plain files keep the order of the command line behind the setup', () => {
  const found = names(resolve([join(folder, 'own', 'a.conf'), four, join(folder, 'own', 'b.conf')], given()))
  assert.equal(
    found.filter((name) => /^(?:[ab]|after|before|REQUEST-9(?:01|49).*)\.conf$|setup|</.test(name)),
    [
      'crs-setup.conf.example',
      'setup.conf',
      '<settings>',
      'before.conf',
      'a.conf',
      'REQUEST-901-INITIALIZATION.conf',
      'REQUEST-949-BLOCKING-EVALUATION.conf',
      'b.conf',
      'after.conf',
    ],
  )
})

test('settings under the names of CRS 4 and of CRS 3', () => {
  const wanted = { paranoia: 2, detectionParanoia: 4, threshold: 7, outboundThreshold: 6 }
  assert.equal(settings(resolve(four, wanted)), [
    'blocking_paranoia_level=2',
    'detection_paranoia_level=4',
    'inbound_anomaly_score_threshold=7',
    'outbound_anomaly_score_threshold=6',
    'sampling_percentage=100',
  ])
  assert.equal(settings(resolve(three, wanted)).slice(0, 3), [
    'paranoia_level=2',
    'executing_paranoia_level=4',
    'inbound_anomaly_score_threshold=7',
  ])
  assert.equal(settings(resolve(four, { paranoia: 3, sampling: 'seed' })), [
    'blocking_paranoia_level=3',
    'detection_paranoia_level=3',
  ])
})

test('the text of the settings is SecLang with ids of its own, --set last', () => {
  const plan = resolve(four, {
    threshold: 9,
    set: ['TX.arg_length=5', 'tx.inbound_anomaly_score_threshold=it\'s "x" %{tx.a} \xe9'],
  })
  const part = plan.parts.find((each) => each.kind === 'text')
  assert.ok(part?.kind === 'text')
  const { tree, diagnostics } = parseFile('settings', part.text)
  assert.equal(diagnostics, [])
  const read = tree.items.map((node) => (node.type === 'action' ? node.actions.map((a) => [a.name, a.argument]) : []))
  assert.equal(read[0], [
    ['id', '7000900'],
    ['phase', '1'],
    ['pass', null],
    ['nolog', null],
    ['t', 'none'],
    ['setvar', 'tx.inbound_anomaly_score_threshold=9'],
  ])
  assert.equal(read.map((actions) => actions.at(-1)?.[1]).slice(1), [
    'tx.sampling_percentage=100',
    'tx.arg_length=5',
    'tx.inbound_anomaly_score_threshold=it\'s "x" %{tx.a} \xc3\xa9',
  ])
  assert.equal(
    read.map((actions) => Number(actions[0]?.[1])),
    [7000900, 7000901, 7000902, 7000903],
  )
})

test('settings that the ruleset does not have are errors or warnings', () => {
  const own = join(folder, 'own')
  assert.match(
    message(() => resolve(own, { paranoia: 2 })),
    /--paranoia: this ruleset has no such setting .*tx\.blocking_paranoia_level or tx\.paranoia_level/,
  )
  assert.match(
    message(() => resolve(own, { threshold: 2 })),
    /--threshold: this ruleset has no such setting/,
  )
  assert.match(
    message(() => resolve(four, { paranoia: 3, detectionParanoia: 2 })),
    /--detection-paranoia 2 is below --paranoia 3/,
  )
  assert.match(
    message(() => resolve(four, { paranoia: 5 })),
    /level from 1 to 4, not 5/,
  )
  assert.match(
    message(() => resolve(four, { set: ['arg_length=5'] })),
    /write it as tx\.NAME=VALUE/,
  )
  assert.match(
    message(() => resolve(four, { set: ['tx.a=b\nc'] })),
    /control character/,
  )
  assert.match(
    message(() => resolve(four, { set: ["tx.a=b\\'"] })),
    /backslash/,
  )
  assert.equal(resolve(four, { set: ['tx.arg_lenght=5'] }).warnings, [
    '--set tx.arg_lenght=5: no rule of the ruleset names tx.arg_lenght',
  ])
  assert.equal(resolve(four, { set: ['tx.arg_length=5'] }).warnings, [])
})

test('plain files that include CRS: settings stand between its setup and its rules, lines keep their numbers', () => {
  const main = join(folder, 'main.conf')
  writeFileSync(main, `SecRuleEngine On\nInclude four/crs-setup.conf.example\n\nInclude load.conf\nSecMarker LAST\n`)
  writeFileSync(join(folder, 'load.conf'), 'SecMarker FIRST\nIncludeOptional "four/rules/*.conf"\n# end\n')
  const plan = resolve(main, { paranoia: 2 })
  const shown = plan.parts.map((part) =>
    part.kind === 'file' ? basename(part.path) : `${basename(part.name)}|${part.text}`,
  )
  assert.equal(shown, [
    'main.conf|SecRuleEngine On\nInclude four/crs-setup.conf.example\n',
    'load.conf|SecMarker FIRST',
    shown[2],
    'REQUEST-901-INITIALIZATION.conf',
    'REQUEST-942-APPLICATION-ATTACK-SQLI.conf',
    'REQUEST-949-BLOCKING-EVALUATION.conf',
    'load.conf|\n\n# end\n',
    'main.conf|\n\n\n\nSecMarker LAST\n',
  ])
  assert.match(shown[2] ?? '', /^settings of the command line\|SecAction .*tx\.blocking_paranoia_level=2/)
})

test("Debian's layout is a tree, used in place", () => {
  const { 'crs-setup.conf.example': setup = '', ...rest } = madeUpRelease('3.9.8')
  const root = join(folder, 'debian')
  const etc = join(folder, 'etc')
  writeFiles(etc, { 'crs-setup.conf': setup, 'REQUEST-900-X.conf': '', 'RESPONSE-999-X.conf': '' })
  writeFiles(root, {
    ...rest,
    'owasp-crs.load': `# loads\nInclude ${etc}/crs-setup.conf\nIncludeOptional ${etc}/REQUEST-900-X.conf\nInclude ${root}/rules/*.conf\nIncludeOptional ${etc}/RESPONSE-999-X.conf\n`,
  })
  const plan = resolve('crs', { debianFolder: root })
  assert.equal(
    names(plan)
      .filter((name) => name !== '<settings>')
      .map((name) => name.slice(0, 12)),
    ['modsec3.conf', 'crs-setup.co', 'REQUEST-900-', 'REQUEST-901-', 'REQUEST-942-', 'REQUEST-949-', 'RESPONSE-999'],
  )
  assert.is(plan.crs?.version, '3.9.8')
  assert.equal(names(resolve(root)), names(plan))
  assert.equal(names(resolve('crs@3.9.8', { debianFolder: root })), names(plan))
})

test('the presets crs and crs@VERSION are the installed releases', async () => {
  const home = join(folder, 'home-presets')
  await installCrs({ from: four, home })
  await installCrs({ from: three, home })
  assert.is(resolve('crs', { home }).crs?.version, '4.99.1')
  assert.is(resolve('crs@3.9.9', { home }).crs?.version, '3.9.9')
  assert.match(
    message(() => resolve('crs@4.0.0', { home })),
    /CRS 4\.0\.0 is not installed \(installed: 4\.99\.1, 3\.9\.9\); run: wafsim crs install 4\.0\.0/,
  )
  assert.match(
    message(() => resolve('crs')),
    /no release is installed\); run: wafsim crs install/,
  )
  assert.ok(isCrsTree(['crs'], { home }))
  assert.ok(isCrsTree([four]))
  assert.not.ok(isCrsTree([join(folder, 'own')]))
})

test('the settings of the CRS test suite, and explicit options over them', () => {
  const plan = resolve(four, { crsTestSettings: true, paranoia: 1 })
  assert.equal(settings(plan), [
    'blocking_paranoia_level=4',
    'detection_paranoia_level=4',
    'arg_length=400',
    'blocking_paranoia_level=1',
    'detection_paranoia_level=1',
    'sampling_percentage=100',
  ])
  const part = plan.parts.find((each) => each.kind === 'text')
  assert.match(
    part?.kind === 'text' ? part.text : '',
    /^SecRuleEngine DetectionOnly\nSecResponseBodyAccess On\nSecResponseBodyMimeType .*application\/json\n/,
  )
})

test('what cannot be resolved says what to do', () => {
  assert.match(
    message(() => resolve([])),
    /no ruleset: give --rules/,
  )
  assert.match(
    message(() => resolve('none.conf')),
    /no such file, directory or preset/,
  )
  assert.match(
    message(() => resolve('crs-4')),
    /presets are crs, starter and crs@VERSION/,
  )
  assert.match(
    message(() => resolve(join(folder, 'nothing*.conf'))),
    /matches nothing/,
  )
  assert.match(
    message(() => resolve(four, { after: [join(folder, 'none.conf')] })),
    /--after .*none\.conf: no such file/,
  )
  assert.match(
    message(() => resolve(four, { before: [folder] })),
    /--before .*: is a directory; name a file/,
  )
  assert.match(
    message(() => resolve([four, three])),
    /both CRS trees/,
  )
  const bare = writeFiles(join(folder, 'bare'), { 'rules/REQUEST-901-INITIALIZATION.conf': '' })
  assert.match(
    message(() => resolve(bare)),
    /without crs-setup\.conf/,
  )
  assert.match(
    message(() => resolve(writeFiles(join(folder, 'empty'), { 'a.txt': '' }))),
    /no \*\.conf file in this directory/,
  )
})

test('the real releases at hand', () => {
  const tree = crsTree()
  if (tree === null) announceSkipped('real CRS 4 as a ruleset', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
  else {
    const plan = resolve(tree, { paranoia: 4, threshold: 100, outboundThreshold: 50, crsTestSettings: true })
    assert.is(plan.crs?.version, '4.25.0')
    assert.equal(settings(plan).slice(0, 9), [
      'blocking_paranoia_level=4',
      'detection_paranoia_level=4',
      'crs_validate_utf8_encoding=1',
      'arg_name_length=100',
      'arg_length=400',
      'total_arg_length=64000',
      'max_num_args=255',
      'max_file_size=64100',
      'combined_file_sizes=65535',
    ])
    assert.is(plan.parts.filter((part) => part.kind === 'file' && /\/RE[QS].*\.conf$/.test(part.path)).length, 27)
  }
  if (debianCrs() === null) announceSkipped('real CRS 3 as a ruleset', 'no Debian package modsecurity-crs')
  else {
    const plan = resolveRuleset({ rules: ['/usr/share/modsecurity-crs'], platform: 'modsec2', paranoia: 2 })
    assert.equal(settings(plan), ['paranoia_level=2', 'executing_paranoia_level=2', 'sampling_percentage=100'])
    assert.match(plan.crs?.version ?? '', /^3\./)
  }
})

test.run()
