/**
 * The ladder of exclusions for people: from broad to narrow, each with its text and place, or why it is not to be had.
 */
import { type HandLadder, type Placement, printable, type Rung } from '../../engine/index.js'

const places: Readonly<Record<Placement, string>> = {
  setup: 'behind crs-setup.conf, before the rules',
  before: 'behind the setup, before the rules',
  after: 'behind the rules',
  location: 'in Apache configuration, behind the rules',
}

/** Ends with a line end. Nothing in it reaches a terminal raw. */
export function ladderText({ ruleId, target, reads, rungs }: HandLadder): string {
  const heading = `Rule ${ruleId}${target === null ? '' : `, ${printable(target)}`}: exclusions from broad to narrow. Nothing was replayed: all are unproven.`
  const hint = reads === null ? [] : [`The rule reads ${printable(reads.join(', '))}.`]
  return [heading, ...hint, ...rungs.flatMap(rungLines)].map((line) => `${line}\n`).join('')
}

function rungLines({ kind, doc, exclusion, unavailable, preferred }: Rung): readonly string[] {
  if (exclusion === null) return ['', `  ${kind}: not here; ${printable(unavailable ?? '')}`]
  const { placement, directive, opens } = exclusion
  return [
    '',
    `  ${kind}: ${doc}${preferred ? ' This one is the narrowest that is safe to take.' : ''}`,
    `    ${places[placement]}:`,
    ...directive.split('\n').map((line) => `      ${printable(line)}`),
    ...(opens.length > 0 ? [`    opens: ${printable(opens.join(', '))}`] : []),
  ]
}
