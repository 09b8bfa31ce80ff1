/**
 * An Apache of its own for one run: one prefork child on the loopback, ModSecurity 2 with the rules given, a
 * handler that answers 200 to every method and path, the audit log in a temporary folder.
 *
 * Apache tells its whole process group to stop, so it gets a group of its own. Request limits, encoded slashes and
 * protocol strictness are Apache's defaults: what it refuses by default is refused here.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface ApacheServer {
  readonly port: number
  readonly auditLog: string
  /** Apache's and ModSecurity's versions, as the server says them. */
  readonly version: string
  stop(): Promise<void>
}

/** What is not as a run needs it: no Apache, no module, rules that do not load. The message is for the user. */
export class ApacheError extends Error {
  override readonly name = 'ApacheError'
}

const moduleFolders = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules', '/usr/local/apache2/modules']
const binaries = ['/usr/sbin/apache2', '/usr/sbin/httpd', '/usr/local/apache2/bin/httpd']
const modules = ['mpm_prefork', 'authz_core', 'unique_id', 'alias', 'lua', 'security2']

/** Milliseconds within which the server must answer; CRS loads in one or two seconds. */
const startTimeout = 60_000

/**
 * Starts the server with the rule files and, behind them, directives of our own. `APACHE_BIN` and `APACHE_MODULES`
 * name other places than the usual ones.
 */
export async function startApache(ruleFiles: readonly string[], directives: readonly string[]): Promise<ApacheServer> {
  const binary = process.env.APACHE_BIN ?? binaries.find(existsSync)
  const folder = process.env.APACHE_MODULES ?? moduleFolders.find((path) => existsSync(join(path, 'mod_security2.so')))
  if (binary === undefined) throw new ApacheError('no Apache; install it (Debian: apache2) or set APACHE_BIN')
  if (folder === undefined)
    throw new ApacheError(
      'no ModSecurity 2 module; install it (Debian: libapache2-mod-security2) or set APACHE_MODULES',
    )
  const root = mkdtempSync(join(tmpdir(), 'wafsim-apache-'))
  try {
    const port = await freePort()
    const configuration = join(root, 'httpd.conf')
    prepare(root)
    writeFileSync(configuration, configurationText(root, port, folder, ruleFiles, directives))
    const child = spawn(binary, ['-f', configuration, '-DFOREGROUND'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said: string[] = []
    child.stderr?.setEncoding('latin1').on('data', (text: string) => said.push(text))
    await answering(child, port, () => `${said.join('')}${textOf(join(root, 'error.log'))}`.trim())
    const version = versionIn(textOf(join(root, 'error.log')))
    return { port, auditLog: join(root, 'audit.log'), version, stop: () => stop(child, root) }
  } catch (error) {
    rmSync(root, { recursive: true, force: true })
    throw error
  }
}

function prepare(root: string): void {
  // The child runs as an unprivileged user where we are root.
  chmodSync(root, 0o755)
  mkdirSync(join(root, 'data'))
  chmodSync(join(root, 'data'), 0o777)
  writeFileSync(join(root, 'answer.lua'), 'function handle(r)\n  r.status = 200\n  return apache2.OK\nend\n')
  writeFileSync(join(root, 'audit.log'), '')
}

function configurationText(
  root: string,
  port: number,
  folder: string,
  ruleFiles: readonly string[],
  directives: readonly string[],
): string {
  const loads = modules
    .filter((name) => existsSync(join(folder, `mod_${name}.so`)))
    .map((name) => `LoadModule ${name}_module ${join(folder, `mod_${name}.so`)}`)
  return [
    `ServerRoot ${quoted(root)}`,
    'ServerName localhost',
    `Listen 127.0.0.1:${port}`,
    `PidFile ${quoted(join(root, 'pid'))}`,
    `DefaultRuntimeDir ${quoted(root)}`,
    ...loads,
    ...(process.getuid?.() === 0 ? userLines() : []),
    'StartServers 1',
    'MinSpareServers 1',
    'MaxSpareServers 1',
    'ServerLimit 1',
    'MaxRequestWorkers 1',
    'MaxConnectionsPerChild 0',
    'KeepAlive Off',
    'Timeout 5',
    `ErrorLog ${quoted(join(root, 'error.log'))}`,
    'LogLevel notice',
    `DocumentRoot ${quoted(root)}`,
    `AliasMatch ^ ${quoted(join(root, 'answer.lua'))}`,
    `<Directory ${quoted(root)}>\n  Require all granted\n  SetHandler lua-script\n</Directory>`,
    ...ruleFiles.map((file) => `Include ${quoted(resolve(file))}`),
    ...directives,
    `SecDataDir ${quoted(join(root, 'data'))}`,
    `SecTmpDir ${quoted(join(root, 'data'))}`,
    'SecDebugLogLevel 0',
    'SecAuditEngine On',
    'SecAuditLogType Serial',
    'SecAuditLogFormat JSON',
    'SecAuditLogParts AHKZ',
    `SecAuditLog ${quoted(join(root, 'audit.log'))}`,
    '',
  ].join('\n')
}

function userLines(): string[] {
  const group = spawnSync('id', ['-gn', 'nobody'], { encoding: 'utf8' }).stdout.trim() || 'nogroup'
  return ['User nobody', `Group ${group}`]
}

function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1') : ''
}

function versionIn(log: string): string {
  const server = /(?<!for )(Apache\/[\d.]+)/.exec(log)?.[1] ?? 'Apache'
  return `${server}, ModSecurity ${/ModSecurity for Apache\/([\w.-]+)/.exec(log)?.[1] ?? '2'}`
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })
}

/** Waits until the port takes connections; ApacheError with what Apache said where it ends before. */
async function answering(child: ChildProcess, port: number, said: () => string): Promise<void> {
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  child.once('error', () => {
    ended = true
  })
  const deadline = Date.now() + startTimeout
  while (!(await takesConnection(port))) {
    if (ended) throw new ApacheError(`the server does not start: ${said()}`)
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new ApacheError(`the server does not answer within ${startTimeout / 1000} s: ${said()}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}

async function stop(child: ChildProcess, root: string): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    await gone
  }
  rmSync(root, { recursive: true, force: true })
}
