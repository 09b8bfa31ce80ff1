/**
 * CRS rules that a setting of crs-setup drives: instead of removing such a rule, its setting is changed.
 *
 * One entry a rule: which TX variable, which crs-setup rule documents it, and how the new full value follows
 * from the value in force and from what the rule compared.
 */

export interface SettingRule {
  readonly ruleId: number
  /** TX variable without `tx.`. */
  readonly name: string
  /** Id of the rule in crs-setup.conf to edit instead. */
  readonly setupId: number
  readonly opens: readonly string[]
  /** The new value; null where nothing sensible follows. */
  propose(current: string, compared: readonly string[]): string | null
}

/** Adds words to a list separated by blanks (`GET HEAD POST`). */
function addWords(current: string, compared: readonly string[]): string | null {
  const words = current.split(/\s+/).filter((word) => word !== '')
  const added = compared.filter((word) => /^[A-Za-z0-9/.+-]+$/.test(word) && !words.includes(word))
  return added.length === 0 ? null : [...words, ...new Set(added)].join(' ')
}

/** Adds entries to a list in bars (`|text/xml| |application/json|`). */
function addBarred(current: string, compared: readonly string[]): string | null {
  const entries: readonly string[] = current.match(/\|[^|]*\|/g) ?? []
  const wanted = compared.map((value) => `|${value.replace(/^\||\|$/g, '').toLowerCase()}|`)
  const added = wanted.filter((entry) => /^\|[a-z0-9/.+*-]+\|$/.test(entry) && !entries.includes(entry))
  return added.length === 0 ? null : [...entries, ...new Set(added)].join(' ')
}

/** Takes entries out of a list that is written with a mark around each (`.bak/ .sql/`, `/proxy/ /if/`). */
function dropEntries(current: string, compared: readonly string[]): string | null {
  const unwanted = new Set(compared.map((value) => value.toLowerCase()))
  const entries = current.split(/\s+/).filter((entry) => entry !== '')
  const left = entries.filter((entry) => !unwanted.has(entry.toLowerCase()))
  return left.length === entries.length ? null : left.join(' ')
}

/** Raises a limit to the greatest number seen. */
function raise(current: string, compared: readonly string[]): string | null {
  const numbers = compared.filter((value) => /^\d{1,12}$/.test(value)).map(Number)
  const greatest = Math.max(Number.parseInt(current, 10) || 0, ...numbers)
  return numbers.length === 0 || String(greatest) === current ? null : String(greatest)
}

const list: readonly SettingRule[] = [
  { ruleId: 911_100, name: 'allowed_methods', setupId: 900_200, opens: [], propose: addWords },
  { ruleId: 920_360, name: 'arg_name_length', setupId: 900_310, opens: ['longer-argument-names'], propose: raise },
  { ruleId: 920_370, name: 'arg_length', setupId: 900_320, opens: ['longer-arguments'], propose: raise },
  { ruleId: 920_380, name: 'max_num_args', setupId: 900_300, opens: ['more-arguments'], propose: raise },
  { ruleId: 920_390, name: 'total_arg_length', setupId: 900_330, opens: ['longer-arguments'], propose: raise },
  { ruleId: 920_400, name: 'max_file_size', setupId: 900_340, opens: ['larger-files'], propose: raise },
  { ruleId: 920_410, name: 'combined_file_sizes', setupId: 900_350, opens: ['larger-files'], propose: raise },
  {
    ruleId: 920_420,
    name: 'allowed_request_content_type',
    setupId: 900_220,
    opens: ['uninspected-body'],
    propose: addBarred,
  },
  { ruleId: 920_430, name: 'allowed_http_versions', setupId: 900_230, opens: [], propose: addWords },
  {
    ruleId: 920_440,
    name: 'restricted_extensions',
    setupId: 900_240,
    opens: ['restricted-files'],
    propose: dropEntries,
  },
  { ruleId: 920_450, name: 'restricted_headers_basic', setupId: 900_250, opens: [], propose: dropEntries },
  { ruleId: 920_451, name: 'restricted_headers_extended', setupId: 900_255, opens: [], propose: dropEntries },
  {
    ruleId: 920_480,
    name: 'allowed_request_content_type_charset',
    setupId: 900_280,
    opens: [],
    propose: addBarred,
  },
  {
    ruleId: 920_650,
    name: 'allow_method_override_parameter',
    setupId: 900_210,
    opens: ['method-override'],
    propose: (current) => (current === '1' ? null : '1'),
  },
]

const byId = new Map(list.map((entry) => [entry.ruleId, entry]))

export function settingRule(ruleId: number): SettingRule | null {
  return byId.get(ruleId) ?? null
}
