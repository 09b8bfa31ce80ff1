/**
 * The comment above an exclusion: what the rule says, on what evidence, at what price, and what it opens.
 *
 * Messages come from rules and record ids from captures: both are cut and reduced to characters that end no comment, no
 * line and no quoted string in any of the languages a layout is written in.
 */
import type { Exclusion } from '../../engine/index.js'
import type { LayoutOptions } from './definition.js'

/** LIMIT: characters of a message, of a record id, and of a whole comment line. */
const mostOfMessage = 120
const mostOfId = 60
const mostOfLine = 160

/** Rules whose messages are written; a tag or a range can stand for hundreds. */
const mostMessages = 3

/** Lines with their `#`. */
export function commentLines(exclusion: Exclusion, options: LayoutOptions): readonly string[] {
  return [
    ...exclusion.ruleIds.slice(0, mostMessages).map((id) => `Rule ${id}${messageOf(id, options)}`),
    ...(exclusion.ruleIds.length > mostMessages ? [`and ${exclusion.ruleIds.length - mostMessages} rules more`] : []),
    evidenceOf(exclusion),
    `Price: ${priceOf(exclusion, options)}`,
    ...(exclusion.opens.length > 0
      ? [`Opens: ${exclusion.opens.map((each) => plain(each, mostOfId)).join(', ')}`]
      : []),
  ].map(comment)
}

/** A comment line of any text: nothing in it can end the comment. */
export function comment(text: string): string {
  return `# ${plain(text, mostOfLine)}`
}

/** Reduced to harmless characters and cut at `most`. */
export function plain(text: string, most: number): string {
  const short = text.length > most ? `${text.slice(0, most - 3)}...` : text
  return short.replace(/[^A-Za-z0-9 .,:;()/_+=@*%#&!?|~<>[\]-]/g, '?').trim()
}

function messageOf(id: number, { messages }: LayoutOptions): string {
  const message = messages.get(id)
  return message === undefined || message === '' ? '' : `: ${plain(message, mostOfMessage)}`
}

function evidenceOf({ evidence }: Exclusion): string {
  const { requests, of, example } = evidence
  if (of === 0) return 'Seen: written by hand, from no recorded request'
  return `Seen: ${requests} of ${of} requests${example === '' ? '' : `, e.g. record ${plain(example, mostOfId)}`}`
}

/** Attacks that `attacksLost` is a part of: those tried where the exclusion acts; null where it was not replayed. */
export function attacksTried(exclusion: Exclusion): number | null {
  return 'attacksBefore' in exclusion ? Number(exclusion.attacksBefore) : null
}

function priceOf(exclusion: Exclusion, options: LayoutOptions): string {
  const { attacksLost, detectionsLost, proof } = exclusion
  const attacksBefore = attacksTried(exclusion) ?? options.attacksBefore
  if (attacksLost === null) return 'unproven, nothing was replayed'
  if (attacksBefore === 0) return `unknown, there was no attack to replay (${proof})`
  const attacks = attacksBefore === null ? `${attacksLost} attacks` : `${attacksLost} of ${attacksBefore} attacks`
  const detections =
    detectionsLost === null ? '' : `, ${detectionsLost} ${detectionsLost === 1 ? 'detection' : 'detections'}`
  return `${attacks} lost${detections} lost (${proof})`.replace(/ lost(, \d+ \w+ lost)/, '$1')
}
