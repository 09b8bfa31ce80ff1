/**
 * The shapes of a layout: which files it writes, what stands in them around the exclusions, and in which language that
 * is written.
 */
import type { Exclusion, PlatformName } from '../../engine/index.js'

export type Placement = Exclusion['placement']

/** The language of a file that SecLang stands in: how a line of SecLang is written there and read back. */
export interface HostLanguage {
  readonly name: string
  /** Whether a file is written in it; the first of the list that says so counts. */
  sniff(text: string): boolean
  /** Throws UsageError where the line cannot be written there. */
  encode(line: string): string
  /** What the lines of a file hold of SecLang; null where a line is of the host language. */
  decode(fileLines: readonly string[]): readonly (string | null)[]
  /** Lines of the file around the directives of one exclusion, where each needs some of its own. */
  readonly around?: { readonly before: string; readonly after: string }
  /** LIMIT: bytes of one exclusion as it is written. */
  readonly mostBytes?: number
}

/** What a new file holds, line by line: text of the host language, a line of SecLang, or the place of exclusions. */
export type FilePart =
  | { readonly host: string }
  | { readonly line: string }
  | { readonly section: Placement; readonly title: readonly string[] }

export interface LayoutFile {
  /** Name of the file below a directory; `name` is what the user calls a plugin. */
  fileName(name: string): string
  readonly parts: readonly FilePart[]
}

export interface LayoutDefinition {
  readonly name: string
  readonly doc: string
  readonly platforms: readonly PlatformName[]
  readonly host: HostLanguage
  readonly files: readonly LayoutFile[]
}

export interface LayoutOptions {
  /** `YYYY-MM-DD`, written beside exclusions that are new or have changed. */
  readonly today: string
  /** Messages of the ruleset's rules. */
  readonly messages: ReadonlyMap<number, string>
  /** Attacks blocked before: what `attacksLost` is a part of; null where nothing was replayed. */
  readonly attacksBefore: number | null
  /** Name of a plugin, which its files begin with. */
  readonly pluginName?: string
}
