/**
 * Groups alerts by rule and place, so that each group is a case for the ladder: paths and names as families learned
 * from the alerts themselves. There are no requests here, so nothing can be replayed and no share of traffic is known.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { namedPath, type PathIs } from './named-path.js'
import { learnFamilies } from './parameter-families.js'
import { learnPathTemplates } from './path-templates.js'
import { type Spot, splitTarget } from './place.js'
import { isProtected } from './protected-rules.js'

/** What a log says of one match; null where it does not. */
export interface AlertSeen {
  readonly ruleId: number
  readonly msg: ByteString
  readonly target: ByteString | null
  readonly path: ByteString | null
  readonly pathIs: PathIs
  readonly method: ByteString | null
  readonly host: ByteString | null
  readonly uniqueId: string | null
  readonly disrupted: boolean
  readonly truncated: boolean
}

export interface AlertGroup {
  readonly ruleId: number
  readonly msg: ByteString
  /** Null where the alerts name no target or no path. */
  readonly spot: Spot | null
  readonly target: ByteString | null
  readonly path: ByteString | null
  /** Each once, at most 10. */
  readonly methods: readonly ByteString[]
  readonly hosts: readonly ByteString[]
  readonly alerts: number
  /** By their unique ids; an alert without one counts as a request. */
  readonly requests: number
  readonly disrupted: number
  readonly truncated: number
  /** A unique id; empty where there is none. */
  readonly example: string
}

/** LIMIT: places (rule, target, path) kept apart; alerts at others are only counted. */
const mostPlaces = 50_000
/** LIMIT: unique ids kept in all groups together; beyond it requests are counted by their alerts. */
const mostIds = 1_000_000
const keptWords = 10

interface PlaceSeen {
  readonly ruleId: number
  readonly msg: ByteString
  readonly target: ByteString | null
  readonly path: ByteString | null
  readonly methods: Set<ByteString>
  readonly hosts: Set<ByteString>
  readonly ids: Set<string>
  /** Requests without an id of their own. */
  nameless: number
  alerts: number
  disrupted: number
  truncated: number
}

export class AlertGroups {
  /** Alerts of rules that only weigh or steer others. */
  ofProtectedRules = 0
  /** Alerts for which there was no room. */
  leftOut = 0
  readonly #platform: Platform
  readonly #places = new Map<string, PlaceSeen>()
  readonly #requests = new Set<string>()
  #nameless = 0
  #kept = 0

  constructor(platform: Platform) {
    this.#platform = platform
  }

  add(alert: AlertSeen): void {
    if (isProtected(alert.ruleId)) {
      this.ofProtectedRules++
      return
    }
    const path = alert.path === null ? null : namedPath(alert.path, alert.pathIs, this.#platform)
    const key = JSON.stringify([alert.ruleId, alert.target, path])
    let place = this.#places.get(key)
    if (place === undefined) {
      if (this.#places.size >= mostPlaces) {
        this.leftOut++
        return
      }
      place = placeOf(alert, path)
      this.#places.set(key, place)
    }
    place.alerts++
    if (alert.disrupted) place.disrupted++
    if (alert.truncated) place.truncated++
    if (alert.method !== null && place.methods.size < keptWords) place.methods.add(alert.method)
    if (alert.host !== null && place.hosts.size < keptWords) place.hosts.add(alert.host)
    this.#count(place, alert.uniqueId)
  }

  /** Requests that alerted, as far as their ids tell. */
  get requests(): number {
    return this.#requests.size + this.#nameless
  }

  /** Most requests first, then by rule and place. */
  list(): readonly AlertGroup[] {
    const places = [...this.#places.values()]
    const paths = new Map<ByteString, number>()
    for (const { path, alerts } of places) if (path !== null) paths.set(path, (paths.get(path) ?? 0) + alerts)
    const templateOf = learnPathTemplates(paths, this.#platform)
    const names = places.flatMap(({ target }) => (target === null ? [] : (splitTarget(target).key ?? [])))
    const familyOf = learnFamilies(names, this.#platform)
    const groups = new Map<string, { spot: Spot | null; places: PlaceSeen[] }>()
    for (const place of places) {
      const template = place.path === null ? null : templateOf(place.path)
      const { variable, key } = place.target === null ? { variable: null, key: null } : splitTarget(place.target)
      const family = key === null ? null : familyOf(key)
      const name = JSON.stringify([place.ruleId, variable, family?.text ?? null, template?.text ?? null])
      const group = groups.get(name)
      if (group !== undefined) group.places.push(place)
      else {
        const spot: Spot | null =
          template === null || variable === null
            ? null
            : { ruleId: place.ruleId, link: 0, variable, family, template, compared: [] }
        groups.set(name, { spot, places: [place] })
      }
    }
    return [...groups.values()].map(({ spot, places: own }) => groupOf(spot, own)).sort(byRequests)
  }

  #count(place: PlaceSeen, uniqueId: string | null): void {
    if (uniqueId === null || uniqueId === '') {
      place.nameless++
      this.#nameless++
      return
    }
    if (place.ids.has(uniqueId)) return
    if (this.#kept >= mostIds) {
      place.nameless++
      return
    }
    this.#kept++
    place.ids.add(uniqueId)
    this.#requests.add(uniqueId)
  }
}

function placeOf({ ruleId, msg, target }: AlertSeen, path: ByteString | null): PlaceSeen {
  const empty = { methods: new Set<string>(), hosts: new Set<string>(), ids: new Set<string>() }
  return { ruleId, msg, target, path, ...empty, nameless: 0, alerts: 0, disrupted: 0, truncated: 0 }
}

function groupOf(spot: Spot | null, places: readonly PlaceSeen[]): AlertGroup {
  const [first] = places as readonly [PlaceSeen, ...PlaceSeen[]]
  const sum = (count: (place: PlaceSeen) => number): number => places.reduce((total, place) => total + count(place), 0)
  const ids = new Set(places.flatMap((place) => [...place.ids]))
  const words = (of: (place: PlaceSeen) => Set<ByteString>): ByteString[] =>
    [...new Set(places.flatMap((place) => [...of(place)]))].sort().slice(0, keptWords)
  return {
    ruleId: first.ruleId,
    msg: first.msg,
    spot,
    target:
      spot === null ? first.target : spot.family === null ? spot.variable : `${spot.variable}:${spot.family.text}`,
    path: spot === null ? first.path : spot.template.text,
    methods: words(({ methods }) => methods),
    hosts: words(({ hosts }) => hosts),
    alerts: sum(({ alerts }) => alerts),
    requests: ids.size + sum(({ nameless }) => nameless),
    disrupted: sum(({ disrupted }) => disrupted),
    truncated: sum(({ truncated }) => truncated),
    example: [...ids][0] ?? '',
  }
}

function byRequests(a: AlertGroup, b: AlertGroup): number {
  return (
    b.requests - a.requests ||
    a.ruleId - b.ruleId ||
    compareText(a.target ?? '', b.target ?? '') ||
    compareText(a.path ?? '', b.path ?? '')
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
