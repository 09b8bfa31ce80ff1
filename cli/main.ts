#!/usr/bin/env node
/**
 * The program: sets how V8 is to work before the rest is loaded.
 */
import { optimiseLate } from './tier-up.js'

optimiseLate()
await import('./program.js')
