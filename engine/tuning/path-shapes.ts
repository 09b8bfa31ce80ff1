/**
 * Shapes of path segments: what a value looks like by itself (a number, a uuid, a token), and how narrow a pattern
 * holds a set of them.
 *
 * No pattern here crosses a slash, matches `.` or `..`, or holds a doubled backslash (Apache would make one of it).
 */
import type { ByteString } from '../model/exchange.js'

/** A segment that stands for many. */
export interface SegmentShape {
  /** For people, without braces: `id`. */
  readonly name: string
  /** Source of a pattern, the same on every engine and in JavaScript. */
  readonly pattern: ByteString
  holds(segment: ByteString): boolean
}

function shape(name: string, pattern: ByteString): SegmentShape {
  const compiled = new RegExp(`^(?:${pattern})$`)
  return { name, pattern, holds: (segment) => compiled.test(segment) }
}

const number = shape('id', '[0-9]+')
const uuid = shape('uuid', '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}')
const date = shape('date', '[0-9]{4}-[0-9]{2}-[0-9]{2}')
const hex = shape('hex', '[0-9A-Fa-f]{8,}')
const token = shape('token', '[0-9A-Za-z_-]{16,}')

/** The shape that a value has by itself; null for a word, a slug and whatever else may be the name of a page. */
export function ownShape(segment: ByteString): SegmentShape | null {
  if (!/^[0-9A-Za-z_-]+$/.test(segment)) return null
  if (number.holds(segment)) return number
  if (uuid.holds(segment)) return uuid
  if (date.holds(segment)) return date
  if (hex.holds(segment) && /[0-9]/.test(segment)) return hex
  return token.holds(segment) && looksRandom(segment) ? token : null
}

/** Share of neighbouring characters that are of another kind; of words, even in camel case, it is below. */
const randomChanges = 0.35

export function looksRandom(text: ByteString): boolean {
  if ((text.match(/[0-9]+/g) ?? []).length < 2 || !/[A-Za-z]/.test(text)) return false
  let changes = 0
  for (let at = 1; at < text.length; at++) if (kindOf(text[at - 1] ?? '') !== kindOf(text[at] ?? '')) changes++
  return changes / (text.length - 1) >= randomChanges
}

function kindOf(char: string): string {
  if (char >= '0' && char <= '9') return 'digit'
  if (char >= 'a' && char <= 'z') return 'lower'
  return char >= 'A' && char <= 'Z' ? 'upper' : 'sign'
}

/** `page-12.html` in its three parts: what stands before the last number, the number, what stands behind it. */
export function numberedParts(segment: ByteString): readonly [ByteString, ByteString, ByteString] | null {
  const found = /^(.*?)([0-9]+)([^0-9]*)$/s.exec(segment)
  if (found === null) return null
  const [, before = '', digits = '', behind = ''] = found
  // `v1`, `version-2`: each is an interface of its own.
  if (behind === '' && /^(?:v|ver|version|api)[-_.]?$/i.test(before)) return null
  return [before, digits, behind]
}

const scripts = /\.(?:php[0-9]?|phtml|aspx?|ashx|asmx|jspx?|do|action|cgi|pl|py|rb|cfm|js|css)$/i

/** Several words joined, or letters with digits: what titles become in a path. */
export function looksLikeSlug(segment: ByteString): boolean {
  if (segment.length < 5 || segment.startsWith('.') || scripts.test(segment)) return false
  if (/[\x80-\xff]|%[89A-Fa-f][0-9A-Fa-f]/.test(segment)) return true
  const words = segment.replace(/\.html?$/i, '').split(/[-_.~+ ]+/)
  if (words.length > 1 && words.every((word) => word !== '')) return true
  return /[A-Za-z].*[0-9].*[0-9]|[0-9].*[0-9].*[A-Za-z]/s.test(segment)
}

export function looksLikeWord(segment: ByteString): boolean {
  return /^[A-Za-z][0-9A-Za-z]*$/.test(segment)
}

const encodedByte = '%[89A-Fa-f][0-9A-Fa-f]'

/** From narrow to wide. None begins with a dot. */
const slugShapes: readonly SegmentShape[] = [
  shape('slug', '[0-9A-Za-z_-]+'),
  shape('slug', '[0-9A-Za-z_~-][0-9A-Za-z._~-]*'),
  shape('slug', `(?:[0-9A-Za-z_~-]|${encodedByte})(?:[0-9A-Za-z._~-]|${encodedByte})*`),
  shape('slug', '[^\\x00-\\x1f/\\x5c.%;][^\\x00-\\x1f/\\x5c%;]*'),
]

/** The narrowest shape that holds every value that any of them holds. */
export function slugShapeOf(segments: Iterable<ByteString>): SegmentShape | null {
  let widest = -1
  for (const segment of segments)
    widest = Math.max(
      widest,
      slugShapes.findIndex((each) => each.holds(segment)),
    )
  return slugShapes[widest] ?? null
}
