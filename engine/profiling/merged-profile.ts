/**
 * Profiles of several threads in one, in pprof's format (profile.proto, compressed with gzip): every sample has all
 * values, those that its profile does not know are 0, and a label with the name of its thread.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  Label,
  Line,
  Location,
  Profile,
  Function as ProfiledFunction,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format'

/** Type and unit of the values of a sample, in order. */
export const sampleValues = [
  ['samples', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
  ['inuse_objects', 'count'],
  ['inuse_space', 'bytes'],
] as const

/** What the profilers call what is called otherwise here. */
const otherNames: Readonly<Record<string, string>> = {
  sample: 'samples',
  objects: 'inuse_objects',
  space: 'inuse_space',
}

export const threadLabel = 'thread'

export class MergedProfile {
  readonly #strings = new StringTable()
  readonly #functions = new Map<string, ProfiledFunction>()
  readonly #locations = new Map<string, Location>()
  readonly #samples: Sample[] = []
  #began = Number.POSITIVE_INFINITY
  #duration = 0

  /** `thread`: the name that its samples are labelled with; null: they stay as they are. */
  add(profile: Uint8Array, thread: string | null): void {
    const from = Profile.decode(gunzipSync(profile))
    const { strings } = from.stringTable
    const text = (index: number | bigint): string => strings[Number(index)] ?? ''
    const places = from.sampleType.map(({ type }) => placeOf(text(type)))
    const locations = this.#locationsOf(from, text)
    for (const { locationId, value, label } of from.sample) {
      const values: (number | bigint)[] = sampleValues.map(() => 0)
      for (const [at, place] of places.entries()) if (place >= 0) values[place] = value[at] ?? 0
      const labels = label.map(({ key, str, num, numUnit }) => {
        const word = (index: number | bigint): number => this.#strings.dedup(text(index))
        return new Label({ key: word(key), str: word(str), num, numUnit: word(numUnit) })
      })
      if (thread !== null)
        labels.push(new Label({ key: this.#strings.dedup(threadLabel), str: this.#strings.dedup(thread) }))
      const ids = locationId.map((id) => locations.get(Number(id))?.id ?? 0)
      this.#samples.push(new Sample({ locationId: ids, value: values, label: labels }))
    }
    if (Number(from.timeNanos) > 0) this.#began = Math.min(this.#began, Number(from.timeNanos))
    this.#duration = Math.max(this.#duration, Number(from.durationNanos))
  }

  encode(): Uint8Array<ArrayBuffer> {
    const types = sampleValues.map(
      ([type, unit]) => new ValueType({ type: this.#strings.dedup(type), unit: this.#strings.dedup(unit) }),
    )
    const profile = new Profile({
      sampleType: types,
      sample: this.#samples,
      location: [...this.#locations.values()],
      function: [...this.#functions.values()],
      stringTable: this.#strings,
      timeNanos: Number.isFinite(this.#began) ? this.#began : 0,
      durationNanos: this.#duration,
      defaultSampleType: this.#strings.dedup('wall'),
    })
    return new Uint8Array(gzipSync(profile.encode()))
  }

  /** Its locations as ours, by its ids. */
  #locationsOf(from: Profile, text: (index: number | bigint) => string): ReadonlyMap<number, Location> {
    const functions = new Map(from.function.map((each) => [Number(each.id), this.#functionOf(each, text)]))
    return new Map(
      from.location.map((each) => {
        const lines = each.line.map(({ functionId, line }) => {
          const id = functions.get(Number(functionId))?.id ?? 0
          return new Line({ functionId: id, line })
        })
        const key = lines.map(({ functionId, line }) => `${functionId}:${line}`).join(' ')
        return [Number(each.id), this.#locationAt(key, lines)]
      }),
    )
  }

  #locationAt(key: string, line: Line[]): Location {
    const known = this.#locations.get(key)
    if (known !== undefined) return known
    const location = new Location({ id: this.#locations.size + 1, line })
    this.#locations.set(key, location)
    return location
  }

  #functionOf(
    { name, systemName, filename, startLine }: ProfiledFunction,
    text: (index: number | bigint) => string,
  ): ProfiledFunction {
    const key = [text(name), text(systemName), text(filename), startLine].join('\0')
    const known = this.#functions.get(key)
    if (known !== undefined) return known
    const made = new ProfiledFunction({
      id: this.#functions.size + 1,
      name: this.#strings.dedup(text(name)),
      systemName: this.#strings.dedup(text(systemName)),
      filename: this.#strings.dedup(text(filename)),
      startLine,
    })
    this.#functions.set(key, made)
    return made
  }
}

/** -1 where the value is none of ours. */
function placeOf(type: string): number {
  const name = otherNames[type] ?? type
  return sampleValues.findIndex(([known]) => known === name)
}
