/**
 * The parts of a ruleset as files for a real engine.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundledMapName, bundledMapText, type SourcePart } from '../../engine/index.js'

/** Whether the file names the map that wafsim has itself and an engine wants beside it; such a file is copied. */
function needsUnicodeMap(path: string): boolean {
  return (
    !existsSync(join(dirname(path), bundledMapName)) && /^\s*SecUnicodeMapFile\b/m.test(readFileSync(path, 'latin1'))
  )
}

/** Writes what is not a file yet into `scratch`; `directives` come last. One file, to be given to the peer. */
export function writePeerRules(parts: readonly SourcePart[], directives: readonly string[], scratch: string): string {
  const files = parts.map((part, index) => {
    if (part.kind === 'file' && !needsUnicodeMap(part.path)) return part.path
    const path = join(scratch, `settings-${index}.conf`)
    writeFileSync(path, part.kind === 'file' ? readFileSync(part.path, 'latin1') : part.text, 'latin1')
    return path
  })
  // ModSecurity 2 reads on past the end of the file, and writes there, unless something follows the page it wants.
  writeFileSync(join(scratch, bundledMapName), `${bundledMapText()}0 (end)\n`, 'latin1')
  // One file: libmodsecurity keeps the first of a setting's values where files are loaded one by one.
  const main = join(scratch, 'main.conf')
  writeFileSync(main, [...files.map((file) => `Include ${file}`), ...directives, ''].join('\n'))
  return main
}
