/**
 * Words that an implementation may have in its lists: what HTML knows, what its program holds, all short ones.
 */
import type { ByteString } from '../../engine/index.js'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const maxWordBytes = 48

/** Every stretch of 2 to 48 capitals, digits, `:` and `-` within a longer run of them: names are kept in capitals. */
export function wordsInProgram(program: ByteString): Set<string> {
  const found = new Set<string>()
  for (const [run] of program.matchAll(/[A-Z][A-Z0-9:-]+/g))
    for (let from = 0; from < run.length - 1; from++)
      for (let to = from + 2; to <= Math.min(run.length, from + maxWordBytes); to++) found.add(run.slice(from, to))
  return found
}

/** All words of so many letters. */
export function* wordsOf(length: number): Generator<string> {
  if (length === 0) yield ''
  else for (const word of wordsOf(length - 1)) for (const letter of letters) yield word + letter
}

/** Elements of HTML, SVG and MathML, old and new. */
export const knownTags = words(`
  a abbr acronym address altglyph animate animatecolor animatemotion animatetransform annotation applet area article
  aside audio b base basefont bdi bdo bgsound big blink blockquote body br button canvas caption center circle cite
  clippath code col colgroup comment content cursor custom data datalist dd defs del desc details dfn dialog dir
  discard div dl dt element ellipse em embed event-source fieldset figcaption figure filter font font-face footer
  foreignobject form frame frameset g glyph h1 h2 h3 h4 h5 h6 handler head header hgroup hr html i iframe ilayer image
  img import input ins isindex kbd keygen label layer legend li line lineargradient link listener listing main map
  mark marker marquee mask math menu menuitem mesh meta metadata meter mi mn mo mpath ms mtext multicol nav nextid
  nobr noembed noframes nolayer noscript object ol optgroup option output p param path pattern picture plaintext
  polygon polyline portal pre progress q radialgradient rect rp rt ruby s samp script search section select
  semantics set shadow slot small source spacer span stop strike strong style sub summary sup svg switch symbol
  table tbody td template text textarea textpath tfoot th thead time title tr track tref tspan tt u ul use
  var vbscript video view vmlframe wbr xml xmp xss xsl xslt
`)

/** Attributes that are no event handlers. */
export const knownAttributes = words(`
  accept accept-charset accesskey action align allow alt archive as async attributename attributetype autocomplete
  autofocus autoplay background baseurl begin behavior bgcolor border by charset checked cite class classid code
  codebase codetype color cols content contenteditable controls coords crossorigin data datafld dataformatas datasrc
  datetime declare default defer dir dirname disabled download draggable dynsrc enctype end expression fill filter
  folder for form formaction formenctype formmethod formnovalidate formtarget from frame frameborder handler headers
  height hidden high href hreflang hspace http-equiv icon id ilayer imagesrcset integrity is itemprop jsaction kind
  label lang language list longdesc loop low lowsrc manifest marginheight max maxlength media method min multiple
  muted name nonce novalidate open optimum pattern ping placeholder poster preload profile readonly rel required rev
  rows sandbox scope seeksegmenttime selected shape size sizes span spellcheck src srcdoc srclang srcset standby start
  step style summary tabindex target title to transform translate type usemap value values version vspace
  width wrap xlink xlink:actuate xlink:href xlink:role xlink:show xlink:title xlink:type xml:base xml:lang xml:space
  xmlns xmlns:xlink
`)

export const knownSchemes = words(`
  about blob cid chrome data ecmascript feed file ftp http https intent jar java javascript livescript mailto mhtml mk
  mocha ms-its res resource sms tel urn vbs vbscript view-source ws wss wyciwyg
`)

function words(text: string): readonly string[] {
  return text.trim().toUpperCase().split(/\s+/)
}
