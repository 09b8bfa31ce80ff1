/**
 * From the tree of one SecRule or SecAction to a draft of its link: names resolved, operator compiled,
 * actions applied. Every name that is unknown is a diagnostic with the nearest known one.
 */
import { type ActionDraft, type ActionInput, actions, emptyDraft, findAction } from '../actions/index.js'
import { DefinitionError, type Span } from '../errors.js'
import { type ExclusionOrigin, excludeTarget, type VariableNames } from '../exclusions.js'
import type { TargetExclusion, Template, TransformationDefinition, VariableDefinition } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { type Platform, type PlatformName, platforms } from '../model/platform.js'
import type { Selector, Target } from '../model/ruleset.js'
import { nearestName } from '../near-name.js'
import { findOperator, operators } from '../operators/index.js'
import { compileSelector } from '../patterns/index.js'
import type { ActionNode, OperatorNode, RuleNode, TargetNode, UnconditionalNode } from '../seclang/ast.js'
import { findTransformation, transformations } from '../transformations/index.js'
import { asFilled, findVariable, variables } from '../variables/index.js'
import { type NameFamily, refusingPlatforms } from './availability.js'
import type { Assembly, LinkDraft } from './draft.js'
import { compileTemplate, literalTemplate } from './template.js'

export const names: VariableNames = { variable: (name) => variableNamed(name).name }

function transformationNamed(name: string, platform: Platform): TransformationDefinition {
  const found = findTransformation(name, platform)
  if (found === null)
    throw new DefinitionError(
      `unknown transformation "${name}"`,
      'unknown-transformation',
      nearestName(name, Object.keys(transformations)),
    )
  return found
}

function variableNamed(name: string): VariableDefinition {
  const found = findVariable(name)
  if (found === null)
    throw new DefinitionError(
      `unknown variable "${name}"`,
      'unknown-variable',
      nearestName(
        name,
        variables.map((v) => v.name),
      ),
    )
  return found
}

export function draftRule(assembly: Assembly, node: RuleNode): LinkDraft {
  const drafted = draftActions(assembly, node.actions)
  const { targets, exclusions } = draftTargets(assembly, node.targets)
  noteUnsimulated(drafted, targets)
  const operator = draftOperator(assembly, node.operator, drafted)
  return {
    targets,
    exclusions,
    operator,
    operatorName: node.operator.name,
    operatorText: node.operator.argument,
    negated: node.operator.negated,
    actions: drafted,
    span: node.span,
  }
}

export function draftUnconditional(assembly: Assembly, node: UnconditionalNode): LinkDraft {
  return {
    targets: [],
    exclusions: [],
    operator: null,
    operatorName: 'unconditionalMatch',
    operatorText: '',
    negated: false,
    actions: draftActions(assembly, node.actions),
    span: node.span,
  }
}

export function draftTargets(
  assembly: Assembly,
  nodes: readonly TargetNode[],
  origin: ExclusionOrigin = 'rule',
): { targets: Target[]; exclusions: TargetExclusion[] } {
  const targets: Target[] = []
  const exclusions: TargetExclusion[] = []
  for (const node of nodes) {
    assembly.report.attempt(node.span, () => {
      refuseUnselectable(assembly.platform, node)
      if (node.negated) exclusions.push(excludeTarget(targetText(node), origin, assembly.platform, names))
      else targets.push(draftTarget(assembly, node))
    })
  }
  return { targets, exclusions }
}

function refuseUnselectable({ unselectable, title }: Platform, node: TargetNode): void {
  const name = node.variable.toUpperCase()
  if (node.selector?.kind === 'name' && unselectable.includes(name))
    throw new DefinitionError(`${title} loads no rule that names a single value of ${name}`, 'not-selectable')
}

function targetText(node: TargetNode): string {
  if (node.selector === null) return node.variable
  const key = node.selector.kind === 'regex' ? `/${node.selector.pattern}/` : node.selector.text
  return `${node.variable}:${key}`
}

function draftTarget(assembly: Assembly, node: TargetNode): Target {
  const variable = asFilled(variableNamed(node.variable), assembly.platform)
  const selector = draftSelector(node, variable, assembly.platform)
  if (variable.kind === 'collection' && variable.persistent) assembly.readsPersistent = true
  if (variable.name === 'TX' && selector?.kind === 'name') assembly.txKeys.add(selector.lower)
  const key = selector === null ? '' : `:${selector.kind === 'regex' ? `/${selector.text}/` : selector.text}`
  notePlatform(assembly, 'variable', variable.name, node.span)
  return { variable, selector, count: node.count, text: `${node.count ? '&' : ''}${variable.name}${key}` }
}

/** A warning where the platform's engine does not know the name; the rule is simulated all the same. */
export function notePlatform(assembly: Assembly, family: NameFamily, name: string, span: Span): void {
  const { platform, report } = assembly
  const refusing = refusingPlatforms(family, name.trim())
  if (!refusing.includes(platform.name)) return
  const knowing = (Object.keys(platforms) as PlatformName[]).filter((each) => !refusing.includes(each))
  const hint =
    knowing.length === 0 ? undefined : `known to ${knowing.map((each) => platforms[each].title).join(' and ')}`
  report.warning('not-on-platform', `${platform.title} does not know the ${family} ${name.trim()}`, span, hint)
}

function draftSelector(node: TargetNode, variable: VariableDefinition, platform: Platform): Selector | null {
  if (node.selector === null) {
    if (variable.kind === 'selected')
      throw new DefinitionError(`${variable.name} needs an expression, e.g. ${variable.name}:/*`)
    return null
  }
  if (variable.kind === 'scalar') throw new DefinitionError(`${variable.name} holds one value and takes no selector`)
  if (node.selector.kind === 'name') {
    const { text } = node.selector
    const asWritten = platform.argumentNamesLower && /^ARGS_(?:\w+_)?NAMES$/.test(variable.name)
    return { kind: 'name', text, lower: asWritten ? text : lowerAscii(text) }
  }
  return { kind: 'regex', text: node.selector.pattern, test: compileSelector(node.selector.pattern) }
}

function draftOperator(assembly: Assembly, node: OperatorNode, drafted: ActionDraft): LinkDraft['operator'] {
  return assembly.report.attempt(node.span, () => {
    const definition = findOperator(node.name)
    if (definition === null)
      throw new DefinitionError(
        `unknown operator "@${node.name}"`,
        'unknown-operator',
        nearestName(node.name, Object.keys(operators)),
      )
    notePlatform(assembly, 'operator', definition.name, node.span)
    if (definition.argument === 'required' && node.argument === '')
      throw new DefinitionError(`@${definition.name} needs an argument`, 'missing-argument')
    if (definition.unsimulated !== undefined)
      drafted.unsimulated.push({
        what: `@${definition.name}`,
        reason: definition.unsimulated,
        ...(definition.needs === undefined ? {} : { without: definition.needs }),
      })
    const { macroOperators } = assembly.platform
    const expands = macroOperators === null || macroOperators.includes(definition.name)
    const compiled = expands ? compileTemplate(node.argument, assembly.platform) : literalTemplate(node.argument)
    const { template, txKeys, persistent } = compiled
    if (persistent) assembly.readsPersistent = true
    for (const key of txKeys) assembly.txKeys.add(key)
    return definition.compile({
      argument: template,
      platform: assembly.platform,
      lookups: assembly.lookups,
      notePattern: (pattern, run, needs) => drafted.patterns.push({ pattern, run, needs }),
      settings: { pcreMatchLimit: assembly.settings.pcreMatchLimit },
      readDataFile: (name) => readDataFile(assembly, name, node.span),
    })
  })
}

/** A data file beside the file that names it; throws DefinitionError where it cannot be read. */
export function readDataFile(assembly: Assembly, name: ByteString, span: Span): ByteString {
  try {
    return assembly.reader.read(assembly.reader.resolve(name, directoryOf(span.file)))
  } catch (error) {
    throw new DefinitionError(
      (error as Error).message,
      'missing-data-file',
      `data files are looked up beside ${span.file}`,
    )
  }
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : path.slice(0, slash) || '/'
}

/** Applies a list of actions to an empty draft. */
export function draftActions(assembly: Assembly, nodes: readonly ActionNode[]): ActionDraft {
  const draft = emptyDraft()
  for (const node of nodes) {
    assembly.report.attempt(node.span, () => applyAction(assembly, draft, node))
  }
  for (const key of draft.writes) assembly.txKeys.add(key)
  return draft
}

function applyAction(assembly: Assembly, draft: ActionDraft, node: ActionNode): void {
  const definition = findAction(node.name)
  if (definition === null)
    throw new DefinitionError(
      `unknown action "${node.name}"`,
      'unknown-action',
      nearestName(
        node.name,
        actions.map((a) => a.name),
      ),
    )
  if (definition.argument === 'required' && (node.argument === null || node.argument === ''))
    throw new DefinitionError(`the action ${definition.name} needs a value: ${definition.name}:…`, 'missing-argument')
  notePlatform(assembly, 'action', definition.name, node.span)
  if (definition.name === 'ctl') notePlatform(assembly, 'ctl', (node.argument ?? '').split('=')[0] ?? '', node.span)
  definition.apply(draft, new CompilerInput(assembly, node))
}

/** What the action at hand may ask. */
class CompilerInput implements ActionInput {
  readonly variable = names.variable
  readonly argument: ByteString
  readonly span: Span
  readonly platform: Platform
  readonly #assembly: Assembly

  constructor(assembly: Assembly, { argument, span }: ActionNode) {
    this.argument = argument ?? ''
    this.platform = assembly.platform
    this.#assembly = assembly
    this.span = span
  }

  transformation(name: string): TransformationDefinition {
    const found = transformationNamed(name, this.platform)
    notePlatform(this.#assembly, 'transformation', found.name, this.span)
    return found
  }

  template(text: ByteString): Template {
    const { report, txKeys: allKeys } = this.#assembly
    const { template, unknown, txKeys, persistent } = compileTemplate(text, this.platform)
    if (persistent) this.#assembly.readsPersistent = true
    for (const name of unknown)
      report.warning(
        'unknown-macro',
        `the macro %{${name}} names no variable and ${this.platform.unknownMacro === 'empty' ? 'leaves nothing' : 'stays in the text as it is'}`,
        this.span,
        nearestName(
          name,
          variables.map((v) => v.name),
        ),
      )
    for (const key of txKeys) allKeys.add(key)
    return template
  }
}

function noteUnsimulated(draft: ActionDraft, targets: readonly Target[]): void {
  for (const { variable } of targets)
    if (variable.unsimulated !== undefined)
      draft.unsimulated.push({ what: variable.name, reason: variable.unsimulated })
}
