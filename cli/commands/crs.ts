/**
 * `wafsim crs`: install, list and verify OWASP CRS releases.
 */
import type { Command } from 'commander'
import { type CrsInstallation, installCrs, listCrs, verifyCrs } from '../../rulesets/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { oneOf } from '../options.js'
import { write } from '../output.js'
import { plural, safe } from '../reports/layout.js'

const formats = ['text', 'json'] as const

interface InstallOptions {
  readonly from?: string
  readonly force?: boolean
}

interface FormatOptions {
  readonly format: (typeof formats)[number]
}

/** Differences shown for a release before "and n more". */
const shownDifferences = 10

export const crsCommand: CommandDefinition = {
  name: 'crs',
  register: (program, finish) => {
    const crs = program.command('crs').description('install, list and verify OWASP CRS releases').exitOverride()
    registerInstall(crs, finish)
    registerList(crs, finish)
    registerVerify(crs, finish)
  },
}

function registerInstall(crs: Command, finish: (status: ExitStatus) => void): void {
  crs
    .command('install')
    .description('install a release: official archive, Go module or Debian package, whichever can be had')
    .argument('[version]', 'release, e.g. 4.25.0')
    .option('--from <dir|tar.gz|zip>', 'a folder or an archive instead')
    .option('--force', 'install again although it is there')
    .exitOverride()
    .action(async (version: string | undefined, options: InstallOptions) => {
      const installed = await installCrs({ ...options, ...(version === undefined ? {} : { version }) })
      await write(process.stdout, `${describe(installed)}\n`)
      finish(exitStatus.ok)
    })
}

function registerList(crs: Command, finish: (status: ExitStatus) => void): void {
  addFormat(crs.command('list').description('list what is installed, newest first')).action(
    async ({ format }: FormatOptions) => {
      const installed = listCrs()
      const text =
        installed.length === 0 ? 'no release is installed; run: wafsim crs install' : installed.map(describe).join('\n')
      await write(process.stdout, format === 'json' ? `${JSON.stringify(installed, null, 2)}\n` : `${text}\n`)
      finish(exitStatus.ok)
    },
  )
}

function registerVerify(crs: Command, finish: (status: ExitStatus) => void): void {
  addFormat(
    crs
      .command('verify')
      .description('compare every file of the installed releases with the digests recorded at installation')
      .argument('[version]', 'only this release'),
  ).action(async (version: string | undefined, { format }: FormatOptions) => {
    const results = verifyCrs(version)
    const lines = results.flatMap((result) => [
      `${result.version}  ${safe(result.path)}  ${verdict(result.digest, result.differences.length)}`,
      ...result.differences.slice(0, shownDifferences).map((each) => `  ${safe(each)}`),
      ...(result.differences.length > shownDifferences
        ? [`  … and ${result.differences.length - shownDifferences} more`]
        : []),
    ])
    await write(process.stdout, format === 'json' ? `${JSON.stringify(results, null, 2)}\n` : `${lines.join('\n')}\n`)
    finish(results.some((result) => result.differences.length > 0) ? exitStatus.found : exitStatus.ok)
  })
}

function addFormat(command: Command): Command {
  return command
    .option('--format <name>', `format: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
    .exitOverride()
}

function verdict(digest: string | null, differences: number): string {
  if (digest === null) return 'used in place, no digest'
  return differences === 0 ? 'unchanged' : plural(differences, 'difference')
}

function describe(installed: CrsInstallation): string {
  const digest = installed.digest === null ? '' : `  sha256 ${installed.digest.slice(0, 16)}…`
  return `${installed.version}  ${safe(installed.path)}  (${safe(installed.source)})${digest}`
}
