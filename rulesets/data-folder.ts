/**
 * Where the rule files that come with wafsim stand: beside the sources, also when this runs from the build.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../engine/errors.js'

/** The folder `name` of `rulesets/`. Throws UsageError where the installation is not complete. */
export function dataFolder(name: 'engine' | 'starter'): string {
  const here = dirname(fileURLToPath(import.meta.url))
  // `dist/rulesets` holds the compiled code; the rule files stay in `rulesets` of the package.
  for (const folder of [join(here, name), join(here, '..', '..', 'rulesets', name)])
    if (existsSync(folder)) return folder
  throw new UsageError(`the folder rulesets/${name} is missing in this installation of wafsim; install it again`)
}
