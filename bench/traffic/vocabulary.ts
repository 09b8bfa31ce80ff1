/**
 * Words that generated traffic is written with.
 */

/** Words that hold a sentence together, and some that rules look for in other company. */
export const joints: readonly string[] = (
  'the a an and or but if of in on at by for from to with without about after before since until while as than that ' +
  'which who when where why how not no only also just very too still already again then now here there we you they ' +
  'it he she I my your our their its this these those is was are were be been has have had do does did will would ' +
  'can could should may might must like into over under between through during against because so'
).split(' ')

/** Words with a content. */
export const contents: readonly string[] = (
  'order delivery package invoice refund return size colour price discount voucher account password address street ' +
  'city country phone email message question answer problem error page button screen browser update version file ' +
  'folder photo picture document report table chair lamp garden kitchen window door house room floor water paper book ' +
  'coffee bread butter cheese apple orange lemon pepper sugar shirt jacket shoes trousers cotton leather wool silver ' +
  'gold green blue yellow white black brown small large heavy light early late quick slow cheap broken missing wrong ' +
  'right perfect terrible friendly helpful professional beautiful simple difficult possible available select choose ' +
  'change replace insert remove delete create drop join union group having limit execute run open close send receive ' +
  'write read call ask tell explain describe compare install restart reset connect print export import upload download ' +
  'customer support team manager driver teacher doctor student neighbour friend family daughter brother company ' +
  'school hospital station airport hotel restaurant market garage library museum theatre meeting project contract ' +
  'budget payment account balance transfer bank card cash number code ticket seat flight train journey holiday weekend ' +
  'morning evening monday tuesday wednesday friday january march october winter summer year month week hour minute ' +
  'system server network script function variable value result example model engine battery cable adapter charger ' +
  'printer keyboard monitor speaker camera phone tablet laptop software program setting option feature request ' +
  'exactly probably usually sometimes never always together almost enough another several many few every each both'
).split(' ')

export const otherTongues: readonly (readonly string[])[] = [
  'der die das und oder nicht mit für auf eine Bestellung Lieferung Größe Farbe schön Rückgabe müssen können Straße Gerät läuft seit gestern übrigens vielen Dank'.split(' '),
  'le la les et ou pas avec pour une commande livraison taille couleur très déçu remboursé dès possible aujourd\'hui être où ça problème merci beaucoup'.split(' '),
  'el la los y o no con para un pedido entrega tamaño color muy contento cuándo estará disponible mañana señor niño gracias también'.split(' '),
  'и в не на я что заказ доставка размер цвет очень доволен спасибо когда будет товар магазин вернуть деньги почему'.split(' '),
  '请问 这个 商品 什么时候 有货 谢谢 订单 已经 收到 质量 很好 可以 退货 吗 颜色 尺寸'.split(' '),
  'この 商品 は とても 良かった です また 利用 したい 配送 サイズ 色 ありがとう ございます'.split(' '),
] // biome-ignore format: lists of words

export const givenNames: readonly string[] = (
  'Anna Ben Clara David Elif Farid Grace Hiro Ines Jonas Kofi Lena Marek Nadia Oscar Priya Quentin Rosa Samir Tess ' +
  'Umar Vera Wei Ximena Yusuf Zoë Seán Jürgen Françoise'
).split(' ')

export const familyNames: readonly string[] = [
  ...'Smith Müller Garcia Kowalski Nguyen Okafor Rossi Yamada Andersson Dubois Haddad Ivanova Jensen Khan Lopez'.split(
    ' ',
  ),
  ...["O'Brien", "D'Angelo", 'van der Berg', 'Smith-Jones', 'Núñez', "N'Diaye"],
]
