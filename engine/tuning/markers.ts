/**
 * The comments around an exclusion that wafsim writes, so that the file can be read back and updated:
 *
 *   # wafsim:begin key=1f2e3d4c5b6a kind=ctl-remove-by-id place=before rules=942100 ids=10001 date=2026-12-01 price=3/120
 *   …
 *   # wafsim:end key=1f2e3d4c5b6a sha=0123456789abcdef
 *
 * The digest is that of the lines between, blanks at their ends left out: where it differs, people have edited them.
 */
import { createHash } from 'node:crypto'
import type { Exclusion, ExclusionKind } from './exclusion.js'

export interface BeginMark {
  readonly key: string
  readonly kind: ExclusionKind
  readonly placement: Exclusion['placement']
  /** Rules it excludes, the first few. */
  readonly rules: readonly number[]
  /** Ids of the rules between the marks. */
  readonly ids: readonly number[]
  /** Day it was written, `YYYY-MM-DD`. */
  readonly date: string
  /** What it cost that day: attacks lost of those tried where it acts; null: not known. */
  readonly price: { readonly attacksLost: number; readonly attacksBefore: number } | null
}

/** How many rules a mark names. */
const mostRules = 8

/** Keys are made of these; anything else cannot come from wafsim. */
const keyPattern = '[A-Za-z0-9_-]{1,64}'
const beginPattern = new RegExp(
  `^ wafsim:begin key=(${keyPattern}) kind=([a-z-]+) place=(setup|before|after|location) rules=([\\d,]*) ids=([\\d,]*) date=(\\d{4}-\\d\\d-\\d\\d)(?: price=(\\d{1,9})/(\\d{1,9}))?\\s*$`,
)
const endPattern = new RegExp(`^ wafsim:end key=(${keyPattern}) sha=([0-9a-f]{16})\\s*$`)

export function beginComment(mark: BeginMark): string {
  const { key, kind, placement, rules, ids, date, price } = mark
  const cost = price === null ? '' : ` price=${price.attacksLost}/${price.attacksBefore}`
  const named = rules.slice(0, mostRules).join(',')
  return `# wafsim:begin key=${key} kind=${kind} place=${placement} rules=${named} ids=${ids.join(',')} date=${date}${cost}`
}

export function endComment(key: string, lines: readonly string[]): string {
  return `# wafsim:end key=${key} sha=${digestOfLines(lines)}`
}

/** Of the lines between the marks; 16 hexadecimal digits. */
export function digestOfLines(lines: readonly string[]): string {
  const text = lines.map((line) => line.trim()).join('\n')
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
}

/** `comment`: what follows the `#`. */
export function readBegin(comment: string): BeginMark | null {
  const match = beginPattern.exec(comment)
  if (match === null) return null
  const [, key = '', kind = '', placement = '', rules = '', ids = '', date = '', lost, of] = match
  return {
    key,
    kind: kind as ExclusionKind,
    placement: placement as BeginMark['placement'],
    rules: numbersIn(rules),
    ids: numbersIn(ids),
    date,
    price: lost === undefined ? null : { attacksLost: Number(lost), attacksBefore: Number(of) },
  }
}

function numbersIn(list: string): number[] {
  return list
    .split(',')
    .filter((each) => each !== '')
    .map(Number)
}

export function readEnd(comment: string): { readonly key: string; readonly digest: string } | null {
  const match = endPattern.exec(comment)
  return match === null ? null : { key: match[1] ?? '', digest: match[2] ?? '' }
}

/** The key that holds from this comment on: of a block that begins, null where one ends, undefined for other comments. */
export function blockKeyOf(comment: string): string | null | undefined {
  const begin = readBegin(comment)
  if (begin !== null) return begin.key
  return readEnd(comment) === null ? undefined : null
}
