/**
 * `npm run docs`: writes docs/seclang.md.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { languageReference } from './language-reference.js'

writeFileSync(fileURLToPath(new URL('../../docs/seclang.md', import.meta.url)), languageReference())
