/**
 * Words, sentences and snippets that generated benign requests are made of.
 */

export const words: readonly string[] = [
  'hello', 'select', 'union station', 'order by mail', 'Müller', 'naïve', '東京', 'Привет', 'مرحبا', 'O\'Brien', 'AT&T',
  'C++', 'a=b', '50%', '1,299.00 €', 'and/or', '(555) 010-9999', 'jane.doe+shop@example.com', 'true', 'null', '日本語テスト',
  'échappé', 'x > y', 'R&D; etc.', '#hashtag', '@user', '¿Qué?', '🙂', 'select...from', 'drop-down', 'group by', '"quoted"',
  'it\'s', 'tab\there', '<3', '-- signed', 'version 1.2.3', 'admin', 'root cause', 'C:\\Users\\Ann', '../images/cat.png', '~/notes',
] // biome-ignore format: a list of words

export const sentences: readonly string[] = [
  'The delivery arrived on time, and the packaging was intact; thank you!',
  'Please select the size you want from the list and update your order.',
  'I can\'t log in since yesterday -- the page says "session expired" (error 401).',
  'We\'d like to union our two accounts, is that possible?',
  'Die Lieferung kam pünktlich, aber das Gerät schaltet sich nach 5 Minuten aus.',
  'Größe passt, Farbe weicht etwas ab: im Katalog heller als in Wirklichkeit.',
  'Le colis est arrivé abîmé ; j\'aimerais être remboursé dès que possible.',
  '¿Cuándo estará disponible el producto en color azul? ¡Gracias!',
  'Товар пришёл вовремя, качеством довольна, рекомендую этот магазин.',
  '商品はとても良かったです。また利用したいと思います。',
  '请问这个商品什么时候有货？谢谢！',
  'لقد وصل الطلب متأخرًا ولكن الجودة ممتازة.',
  'Prezzo: 49,90 € (IVA inclusa) * 2 = 99,80 €.',
  'Can someone explain what "let x = y || 0;" does in JavaScript?',
  'My cat sat on the keyboard: asdf;lkj [[[ ))) === !!!',
  'See https://example.com/docs?page=3&lang=en#section-2 for the details.',
  'We need 3 < 5 and 5 > 3; 10% of users don\'t get that.',
  'Insert the card into the slot, then delete the old entry from the table.',
  'Meeting moved from 10:00 to 11:30, where exactly is room B-17 like or as before?',
  'He said: “I’d rather not”, and left…',
  'Having read it all, I order the cheapest one; group discounts by the dozen are nice.',
  'The script runs if you type python3 main.py or node index.js in the terminal.',
  'Cat /etc is where settings live on Linux, echo told me.',
  'Sent from my phone. Sorry for typos & brevity.',
  '1) open the lid 2) wait; 3) close it -- done',
  'Kdy bude zboží skladem? Děkuji za odpověď.',
  'Çok güzel bir ürün, teşekkürler!',
] // biome-ignore format: a list of sentences

export const snippets: readonly string[] = [
  'function add(a, b) {\n  return a + b;\n}',
  'SELECT name FROM users WHERE id = 5',
  'for (let i = 0; i < 10; i++) { console.log(i) }',
  '<p class="intro">Hello <b>world</b></p>',
  '#!/bin/sh\nset -e\necho "$HOME" | grep foo > /tmp/x',
  'import os\nprint(os.environ["PATH"])',
  'if (x && !y || z == null) return false;',
  '{"a": [1, 2, {"b": null}]}',
  '```js\nconst x = `a`\n```',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '<a href="https://example.com/?a=1&amp;b=2">link</a>',
  '$total = $price * (1 + $tax);',
  'git commit -m "fix: don\'t crash" && git push',
  'background: url(data:image/png;base64,iVBORw0KGgo=)',
  '^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$',
] // biome-ignore format: a list of snippets
