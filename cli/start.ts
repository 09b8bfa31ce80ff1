/**
 * The main job of `npm start`: the bundled corpora through OWASP CRS where a release can be had, otherwise
 * through the starter ruleset; then the report of `wafsim run`.
 */
import { bundledCorpora } from '../corpora/index.js'
import { installCrs, listCrs } from '../rulesets/index.js'
import { run } from './commands/run.js'
import { exitWith } from './exit.js'

/** The preset to use; says on standard error which and why. */
async function chooseRules(): Promise<string> {
  const [newest] = listCrs()
  if (newest !== undefined && newest.kind === 'store') {
    process.stderr.write(`wafsim: OWASP CRS ${newest.version}, installed before\n`)
    return 'crs'
  }
  process.stderr.write('wafsim: looking for an OWASP CRS release …\n')
  try {
    const installed = await installCrs()
    process.stderr.write(`wafsim: OWASP CRS ${installed.version} from ${installed.source}\n`)
    return 'crs'
  } catch (error) {
    process.stderr.write(`wafsim: ${(error as Error).message}\nwafsim: going on with the starter ruleset\n`)
    return 'starter'
  }
}

await exitWith(async () => {
  const { benign, attacks } = bundledCorpora()
  return run({
    rules: [await chooseRules()],
    setup: [],
    before: [],
    after: [],
    set: [],
    platform: 'modsec3',
    corpus: [benign, attacks],
    label: [],
    filter: [],
    out: [],
    color: true,
    failOn: [],
  })
})
