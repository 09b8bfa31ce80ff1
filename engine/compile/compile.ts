/**
 * From sources to a ruleset: reads and parses each part in order, follows Include, runs the directives,
 * drafts the rules, then links. Every problem found is reported at once.
 */
import { type Diagnostic, RulesetError, UsageError } from '../errors.js'
import type { EngineMode } from '../model/definitions.js'
import type { Platform } from '../model/platform.js'
import type { Ruleset, SourcePart } from '../model/ruleset.js'
import { nearestName } from '../near-name.js'
import type { BlockNode, DirectiveNode, Node } from '../seclang/ast.js'
import { lexicalRules } from '../seclang/lexical-rules.js'
import { parseFile } from '../seclang/parser.js'
import type { SourceReader } from '../seclang/source.js'
import { directives, findDirective } from './directives.js'
import type { Assembly, LinkDraft, RuleDraft } from './draft.js'
import { linkRuleset } from './link.js'
import { Report } from './report.js'
import { directoryOf, draftRule, draftUnconditional, notePlatform } from './rule.js'
import { initialSettings } from './settings.js'

export interface CompileOptions {
  readonly platform: Platform
  /** Wins over SecRuleEngine of the files. */
  readonly engineMode?: EngineMode
  /**
   * Keeps rules and targets that directives exclude, so that a replay can lift exclusions; see `Ruleset.kept`. Verdicts
   * stay the same, but for `skip:N` over a rule removed, which counts it.
   */
  readonly keepExclusions?: boolean
}

export interface CompileResult {
  /** Null where a diagnostic is an error. */
  readonly ruleset: Ruleset | null
  readonly diagnostics: readonly Diagnostic[]
}

/** LIMIT: includes nested deeper than this are taken for a cycle. */
const deepestInclude = 64

/** Compiles and throws RulesetError with all diagnostics where one of them is an error. */
export function compileParts(parts: readonly SourcePart[], reader: SourceReader, options: CompileOptions): Ruleset {
  const { ruleset, diagnostics } = checkParts(parts, reader, options)
  if (ruleset === null) throw new RulesetError(diagnostics.filter((d) => d.severity === 'error'))
  return ruleset
}

/** Compiles and returns the diagnostics; a file of `parts` that cannot be read throws UsageError. */
export function checkParts(parts: readonly SourcePart[], reader: SourceReader, options: CompileOptions): CompileResult {
  const assembly: Assembly = {
    platform: options.platform,
    keepsExclusions: options.keepExclusions ?? false,
    report: new Report(),
    reader,
    settings: initialSettings(options.platform),
    defaults: new Map(),
    sequence: [],
    openChain: null,
    changes: [],
    exclusions: [],
    components: [],
    lookups: { geo: null, blocklists: null, datasets: new Map() },
    txKeys: new Set(),
    readsPersistent: false,
  }
  for (const part of parts) {
    if (part.kind === 'text') loadText(assembly, part.name, part.text, 0)
    else loadText(assembly, part.path, reader.read(part.path), 0)
  }
  if (options.engineMode !== undefined) assembly.settings.mode = options.engineMode
  const ruleset = linkRuleset(assembly)
  const { diagnostics } = assembly.report
  return { ruleset: assembly.report.hasErrors ? null : ruleset, diagnostics }
}

function loadText(assembly: Assembly, path: string, text: string, depth: number): void {
  assembly.report.addSource(path, text)
  const { tree, diagnostics } = parseFile(path, text, lexicalRules[assembly.platform.name])
  assembly.report.take(diagnostics)
  loadItems(assembly, tree.items, depth)
}

function loadItems(assembly: Assembly, items: readonly Node[], depth: number): void {
  for (const node of items) {
    switch (node.type) {
      case 'rule':
        addLink(assembly, draftRule(assembly, node))
        break
      case 'action':
        addLink(assembly, draftUnconditional(assembly, node))
        break
      case 'directive':
        runDirective(assembly, node, depth)
        break
      case 'block':
        loadBlock(assembly, node, depth)
        break
      case 'comment':
        break
    }
  }
}

function addLink(assembly: Assembly, link: LinkDraft): void {
  if (assembly.openChain !== null) {
    assembly.openChain.links.push(link)
    if (!link.actions.chain) assembly.openChain = null
    return
  }
  const defaults = assembly.defaults.get(link.actions.phase ?? 2) ?? null
  const rule: RuleDraft = { links: [link], defaults, removed: false, kept: [], span: link.span }
  assembly.sequence.push({ rule })
  if (link.actions.chain) assembly.openChain = rule
}

function runDirective(assembly: Assembly, node: DirectiveNode, depth: number): void {
  const lower = node.name.toLowerCase()
  if (lower === 'include' || lower === 'includeoptional') {
    include(assembly, node, lower === 'includeoptional', depth)
    return
  }
  const definition = findDirective(node.name)
  if (definition === null) {
    reportUnknown(assembly, node)
    return
  }
  notePlatform(assembly, 'directive', definition.name, node.span)
  if (node.arguments.length < definition.least) {
    const wanted = definition.least === 1 ? 'an argument' : `${definition.least} arguments`
    assembly.report.error('missing-argument', `${definition.name} needs ${wanted}`, node.span, definition.doc)
    return
  }
  const texts = node.arguments.map((argument) => argument.text)
  assembly.report.attempt(node.span, () =>
    definition.apply(assembly, { node, argument: texts[0] ?? '', arguments: texts, span: node.span }),
  )
}

function reportUnknown(assembly: Assembly, node: DirectiveNode): void {
  const hint = nearestName(
    node.name,
    directives.map((d) => d.name).concat('SecRule', 'SecAction', 'Include', 'IncludeOptional'),
  )
  if (/^sec/i.test(node.name) || hint !== undefined)
    assembly.report.error('unknown-directive', `unknown directive "${node.name}"`, node.span, hint)
  else
    assembly.report.warning(
      'foreign-directive',
      `"${node.name}" is no SecLang directive; it is left out`,
      node.span,
      'directives of the web server have no effect in a replay',
    )
}

function include(assembly: Assembly, node: DirectiveNode, optional: boolean, depth: number): void {
  const pattern = node.arguments[0]?.text ?? ''
  if (pattern === '') {
    assembly.report.error('missing-argument', `${node.name} needs a file`, node.span)
    return
  }
  if (depth >= deepestInclude) {
    assembly.report.error(
      'include-cycle',
      `includes are nested more than ${deepestInclude} deep`,
      node.span,
      'a file probably includes itself',
    )
    return
  }
  const paths = assembly.reader.expand(pattern, directoryOf(node.span.file))
  if (paths.length === 0 && !optional && !/[*?[]/.test(pattern)) {
    assembly.report.error(
      'missing-include',
      `the included file "${pattern}" does not exist`,
      node.span,
      'correct the path, or use IncludeOptional',
    )
    return
  }
  for (const path of paths) {
    try {
      loadText(assembly, path, assembly.reader.read(path), depth + 1)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      assembly.report.error('unreadable-include', error.message, node.span)
    }
  }
}

const transparentBlocks = new Set(['ifdefine', 'ifmodule', 'ifversion', 'virtualhost'])

/**
 * Conditions of the server are taken as met where they ask for the WAF module and as not met where they are
 * negated; blocks that bind rules to a place are left out, because a replay has no server to decide.
 */
function loadBlock(assembly: Assembly, node: BlockNode, depth: number): void {
  const lower = node.name.toLowerCase()
  if (transparentBlocks.has(lower)) {
    if (!node.argument.trim().startsWith('!')) loadItems(assembly, node.items, depth)
    return
  }
  assembly.report.warning(
    'unsimulated-block',
    `<${node.name}> is not simulated; what stands in it is left out`,
    node.span,
    'write the condition as a rule with ctl: instead',
  )
}
