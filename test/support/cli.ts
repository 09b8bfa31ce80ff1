/**
 * Runs the command line as a user would: a process of its own, its output and exit status.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** A run that names no workers gets none: threads cost a second a run, and have tests of their own. */
export function wafsim(
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly env?: NodeJS.ProcessEnv } = {},
): Outcome {
  const workers = args[0] === 'run' && !args.includes('--workers') ? ['--workers', '0'] : []
  const result = spawnSync(process.execPath, [main, ...args, ...workers], {
    encoding: 'latin1',
    input: options.input ?? '',
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    maxBuffer: 1 << 28,
  })
  return { status: result.status, out: result.stdout, err: result.stderr }
}

/** A new folder with these files; their paths by name. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-test-'))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, typeof content === 'string' ? 'latin1' : null)
  return (name) => join(folder, name)
}
