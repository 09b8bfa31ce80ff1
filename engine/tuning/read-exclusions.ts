/**
 * Reads a configuration text back as a list of what it excludes: one entry a directive or `ctl` action.
 *
 * Nothing is compiled: names are as written, and text that does not parse is in `diagnostics`. Where an entry belongs
 * follows from what it is: SecRuleRemoveBy* and SecRuleUpdate* stand behind the ruleset's rules, rules with `ctl` before
 * them, a SecAction that only sets TX behind the setup.
 */
import type { Diagnostic, Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { PlatformName } from '../model/platform.js'
import type { ActionNode, BlockNode, DirectiveNode, Node, RuleNode, UnconditionalNode } from '../seclang/ast.js'
import { lexicalRules } from '../seclang/lexical-rules.js'
import { parseFile } from '../seclang/parser.js'
import type { Exclusion, ExclusionKind } from './exclusion.js'
import { blockKeyOf, readEnd } from './markers.js'

/** What wafsim writes, and what else people write to be rid of rules. */
export type ReadKind =
  | ExclusionKind
  | 'remove-by-msg'
  | 'update-target-by-msg'
  | 'update-action-by-id'
  | 'ctl-remove-by-msg'
  | 'ctl-remove-target-by-msg'
  | 'ctl-switch'
  | 'engine-switch'
  | 'allow'

export type Placement = Exclusion['placement']

/** One link of the rule that a `ctl` stands in: it must match for the action to run. */
export interface Condition {
  /** Targets as written, without what the rule leaves out of them. */
  readonly targets: readonly ByteString[]
  readonly negated: boolean
  /** Without `@`. */
  readonly operator: string
  readonly argument: ByteString
  readonly transformations: readonly string[]
}

export interface ReadExclusion {
  /** Key of the block wafsim wrote around it; null where people wrote it. */
  readonly key: string | null
  readonly kind: ReadKind
  readonly placement: Placement
  /** Ids, tag or message as written; for a switch its name and value, e.g. `ruleEngine=Off`. */
  readonly selector: ByteString
  /** Ids and ranges that the selector names. */
  readonly ids: readonly (readonly [low: number, high: number])[]
  readonly tags: readonly ByteString[]
  /** Targets taken away, without `!`; for a setting `TX:name`. */
  readonly targets: readonly ByteString[]
  /** New value of a setting. */
  readonly value: ByteString | null
  /** Id and phase of the rule that holds the action; null for directives. */
  readonly holder: { readonly id: number | null; readonly phase: string | null } | null
  /** Links up to the one that holds the action, in order; empty where it holds for every request. */
  readonly conditions: readonly Condition[]
  /** Links of the chain behind the one that holds the action: they do not keep it from running. */
  readonly linksBehind: number
  /** Exact path, host and method where the conditions name them and nothing else. */
  readonly scope: Exclusion['scope']
  /** Containers around it, outermost first: `<Location /x>`. */
  readonly containers: readonly ByteString[]
  /** Place of the directive or the action. */
  readonly span: Span
  /** Lines of the whole directive or chain, from 1; the last one included. */
  readonly lines: readonly [first: number, last: number]
}

export interface ReadFile {
  readonly exclusions: readonly ReadExclusion[]
  readonly diagnostics: readonly Diagnostic[]
  /**
   * The text by place, each with all the lines of the file, blank where they belong elsewhere, so that places found in
   * one of them are those of the file. What excludes nothing goes with what stands before it, else to `before`.
   */
  readonly texts: Readonly<Record<Placement, ByteString>>
}

/** `path` is the file's name in diagnostics. */
export function readExclusions(text: ByteString, path: string, platform: PlatformName): ReadFile {
  const { tree, diagnostics } = parseFile(path, text, lexicalRules[platform])
  const reader = new Reader(text)
  reader.readItems(tree.items, [])
  return { exclusions: reader.found, diagnostics, texts: reader.texts(tree.items) }
}

type Link = RuleNode | UnconditionalNode

class Reader {
  readonly found: ReadExclusion[] = []
  readonly #lines: readonly ByteString[]
  #key: string | null = null

  constructor(text: ByteString) {
    this.#lines = text.split('\n')
  }

  readItems(items: readonly Node[], containers: readonly ByteString[], end = this.#lines.length): void {
    for (let at = 0; at < items.length; at++) {
      const node = items[at] as Node
      if (node.type === 'comment') {
        const mark = blockKeyOf(node.text)
        if (mark !== undefined) this.#key = mark
        continue
      }
      let last = at
      if (isLink(node)) while (isChained(items[last] as Link) && isLink(items[last + 1] ?? null)) last++
      const lines = this.#extent(items, at, last, end)
      if (isLink(node)) this.#readChain(items.slice(at, last + 1) as Link[], containers, lines)
      else if (node.type === 'block') this.#readBlock(node, containers, lines[1])
      else this.#readDirective(node, containers, lines)
      at = last
    }
  }

  /** The file's lines by place. */
  texts(items: readonly Node[]): Record<Placement, ByteString> {
    const places: Placement[] = this.#lines.map(() => 'before')
    let current: Placement = 'before'
    let waiting = 0
    for (const [index, node] of items.entries()) {
      const from = node.span.line
      if (node.type === 'comment') {
        // Comments go with what stands below them, but for the mark that ends a block.
        if (readEnd(node.text) === null) continue
        for (let line = waiting; line < from; line++) places[line] = current
        waiting = from
        continue
      }
      const to = this.#extent(items, index, index, this.#lines.length)[1]
      const inside = this.found.find((each) => each.lines[0] <= to && each.lines[1] >= from)
      if (inside !== undefined) current = inside.placement
      for (let line = waiting; line < to; line++) places[line] = current
      waiting = to
    }
    const pick = (place: Placement): ByteString =>
      this.#lines.map((line, index) => (places[index] === place ? line : '')).join('\n')
    return { setup: pick('setup'), before: pick('before'), after: pick('after'), location: pick('location') }
  }

  /** From the first line of a node to the last one before what follows, blank lines at the end left out. */
  #extent(items: readonly Node[], first: number, last: number, end: number): readonly [number, number] {
    const from = (items[first] as Node).span.line
    const next = items[last + 1]
    let to = next === undefined ? end : next.span.line - 1
    while (to > from && (this.#lines[to - 1] ?? '').trim() === '') to--
    return [from, Math.max(from, to)]
  }

  #readBlock(block: BlockNode, containers: readonly ByteString[], end: number): void {
    const head = `<${block.name}${block.argument === '' ? '' : ` ${block.argument}`}>`
    this.readItems(block.items, [...containers, head], Math.max(block.span.line, end - 1))
  }

  #readDirective(node: DirectiveNode, containers: readonly ByteString[], lines: readonly [number, number]): void {
    const kind = directiveKinds[node.name.toLowerCase()]
    if (kind === undefined) return
    const [first, ...others] = node.arguments.map((argument) => argument.text)
    if (first === undefined) return
    const isSwitch = kind === 'engine-switch'
    // The engine's mode outside of containers is configuration, and On excludes nothing.
    if (isSwitch && (containers.every((each) => !isScope(each)) || first.toLowerCase() === 'on')) return
    const takesList = kind.startsWith('remove-by')
    const selectors = takesList && kind !== 'remove-by-id' ? [first, ...others] : null
    const located = containers.some(isScope)
    const base = {
      ...this.#entry(node.span, lines, containers),
      kind: kind === 'remove-by-id' && located ? ('location-remove-by-id' as const) : kind,
      placement: located ? ('location' as const) : ('after' as const),
    }
    if (selectors !== null) {
      for (const selector of selectors) this.found.push({ ...base, ...selected(kind, selector) })
      return
    }
    const selector = kind === 'remove-by-id' ? [first, ...others].join(' ') : isSwitch ? `${node.name}=${first}` : first
    const targets = kind.startsWith('update-target') ? removedTargets(others[0] ?? '') : []
    if (kind.startsWith('update-target') && targets.length === 0) return
    this.found.push({ ...base, ...selected(kind, selector), targets })
  }

  #readChain(links: readonly Link[], containers: readonly ByteString[], lines: readonly [number, number]): void {
    const head = links[0] as Link
    const holder = { id: idOf(head), phase: argumentOf(head, 'phase') }
    const conditions: Condition[] = []
    for (const [index, link] of links.entries()) {
      if (link.type === 'rule') conditions.push(conditionOf(link))
      const shared = {
        holder,
        conditions: [...conditions],
        linksBehind: links.length - 1 - index,
        scope: scopeOf(conditions),
      }
      for (const action of link.actions) {
        const read = readAction(action)
        if (read === null) continue
        this.found.push({ ...this.#entry(action.span, lines, containers), ...shared, placement: 'before', ...read })
      }
    }
    if (links.length > 1 || head.type !== 'action' || !head.actions.every(belongsToSetting)) return
    for (const action of head.actions) {
      const setting = /^tx\.([^=]+)=(.*)$/is.exec(nameIs(action, 'setvar') ? (action.argument ?? '') : '')
      if (setting === null) continue
      const [, name = '', value = ''] = setting
      this.found.push({
        ...this.#entry(action.span, lines, containers),
        kind: 'setting',
        placement: 'setup',
        selector: `tx.${name}`,
        targets: [`TX:${name}`],
        value,
        holder,
      })
    }
  }

  #entry(span: Span, lines: readonly [number, number], containers: readonly ByteString[]) {
    return {
      key: this.#key,
      selector: '',
      ids: [],
      tags: [],
      targets: [],
      value: null,
      holder: null,
      conditions: [],
      linksBehind: 0,
      scope: { path: null, host: null, method: null },
      containers,
      span,
      lines,
    }
  }
}

const directiveKinds: Readonly<Record<string, ReadKind>> = {
  secruleremovebyid: 'remove-by-id',
  secruleremovebytag: 'remove-by-tag',
  secruleremovebymsg: 'remove-by-msg',
  secruleupdatetargetbyid: 'update-target-by-id',
  secruleupdatetargetbytag: 'update-target-by-tag',
  secruleupdatetargetbymsg: 'update-target-by-msg',
  secruleupdateactionbyid: 'update-action-by-id',
  secruleengine: 'engine-switch',
}

const ctlKinds: Readonly<Record<string, ReadKind>> = {
  ruleremovebyid: 'ctl-remove-by-id',
  ruleremovebytag: 'ctl-remove-by-tag',
  ruleremovebymsg: 'ctl-remove-by-msg',
  ruleremovetargetbyid: 'ctl-remove-target-by-id',
  ruleremovetargetbytag: 'ctl-remove-target-by-tag',
  ruleremovetargetbymsg: 'ctl-remove-target-by-msg',
  ruleengine: 'ctl-switch',
  requestbodyaccess: 'ctl-switch',
  responsebodyaccess: 'ctl-switch',
  requestbodyprocessor: 'ctl-switch',
}

/** Actions of a SecAction that only sets variables. */
const settingActions = new Set([
  'id',
  'phase',
  'pass',
  't',
  'log',
  'nolog',
  'auditlog',
  'noauditlog',
  'setvar',
  'tag',
  'ver',
  'msg',
])

function belongsToSetting(action: ActionNode): boolean {
  if (nameIs(action, 'setvar')) return /^tx\./i.test(action.argument ?? '')
  return settingActions.has(action.name.toLowerCase())
}

/** Containers that hold for some requests only; `<IfModule>` and its kin do not. */
function isScope(container: ByteString): boolean {
  return /^<(?:Location|Directory|Files|VirtualHost|If\b|ElseIf|Else|Proxy|Limit)/i.test(container)
}

function isLink(node: Node | null): node is Link {
  return node !== null && (node.type === 'rule' || node.type === 'action')
}

function isChained(link: Link): boolean {
  return link.actions.some((action) => nameIs(action, 'chain'))
}

function nameIs(action: ActionNode, name: string): boolean {
  return action.name.toLowerCase() === name
}

function argumentOf(link: Link, name: string): ByteString | null {
  return link.actions.findLast((action) => nameIs(action, name))?.argument ?? null
}

function idOf(link: Link): number | null {
  const id = argumentOf(link, 'id')
  return id !== null && /^\d+$/.test(id) ? Number(id) : null
}

/** What an action of a rule excludes; null where it excludes nothing. */
function readAction(
  action: ActionNode,
): (ReturnType<typeof selected> & { readonly kind: ReadKind; readonly targets: readonly ByteString[] }) | null {
  if (nameIs(action, 'allow'))
    return {
      ...selected('allow', action.argument === null ? 'allow' : `allow=${action.argument}`),
      kind: 'allow',
      targets: [],
    }
  if (!nameIs(action, 'ctl')) return null
  const argument = action.argument ?? ''
  const equals = argument.indexOf('=')
  const kind = ctlKinds[argument.slice(0, Math.max(0, equals)).trim().toLowerCase()]
  if (kind === undefined) return null
  if (kind === 'ctl-switch') return { ...selected(kind, argument), kind, targets: [] }
  const value = argument.slice(equals + 1).trim()
  if (!kind.startsWith('ctl-remove-target')) return { ...selected(kind, value), kind, targets: [] }
  const semicolon = value.indexOf(';')
  const selector = semicolon < 0 ? value : value.slice(0, semicolon)
  const targets = semicolon < 0 ? [] : [value.slice(semicolon + 1).trim()]
  return { ...selected(kind, selector.trim()), kind, targets }
}

function selected(kind: ReadKind, selector: ByteString) {
  if (kind.endsWith('-by-tag')) return { selector, ids: [], tags: [selector] }
  return { selector, ids: kind.endsWith('-by-id') ? idsIn(selector) : [], tags: [] }
}

/** `942100 "942110-942120"`, `942100:1` for a link of a chain. */
function idsIn(text: ByteString): readonly (readonly [number, number])[] {
  return [...text.matchAll(/(\d+)(?:\s*-\s*(\d+))?(?::\d+)?/g)].map(([, low, high]) => [
    Number(low),
    Number(high ?? low),
  ])
}

/** The targets that SecRuleUpdateTarget* takes away: those behind `!`. */
function removedTargets(text: ByteString): ByteString[] {
  return splitTargets(text)
    .filter((target) => target.startsWith('!'))
    .map((target) => target.slice(1).trim())
}

/** At bars and commas that stand in no quotes and in no pattern. */
function splitTargets(text: ByteString): ByteString[] {
  return (text.match(/(?:'(?:[^'\\]|\\.)*'|:\/(?:[^/\\]|\\.)*\/|[^|,])+/gs) ?? []).map((part) => part.trim())
}

function conditionOf(link: RuleNode): Condition {
  const { negated, name, argument } = link.operator
  return {
    targets: link.targets.filter((target) => !target.negated).map(targetText),
    negated,
    operator: name,
    argument,
    transformations: link.actions.flatMap((action) => (nameIs(action, 't') ? [action.argument ?? ''] : [])),
  }
}

function targetText({ count, variable, selector }: RuleNode['targets'][number]): ByteString {
  const name = `${count ? '&' : ''}${variable}`
  if (selector === null) return name
  return selector.kind === 'regex' ? `${name}:/${selector.pattern}/` : `${name}:${selector.text}`
}

function scopeOf(conditions: readonly Condition[]): Exclusion['scope'] {
  const exact = (...names: readonly string[]): ByteString | null => {
    const found = conditions.find(
      ({ targets, negated, operator }) =>
        !negated &&
        operator.toLowerCase() === 'streq' &&
        targets.length === 1 &&
        names.includes((targets[0] ?? '').toUpperCase()),
    )
    return found?.argument ?? null
  }
  return {
    path: exact('REQUEST_FILENAME'),
    host: exact('REQUEST_HEADERS:HOST', 'SERVER_NAME'),
    method: exact('REQUEST_METHOD'),
  }
}
