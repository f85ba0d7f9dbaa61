import { encodePng, solidImage, withPngTexts } from '@unicharacter/core';
import { strToU8, zipSync } from 'fflate';

const CARD = JSON.stringify({
  spec: 'chara_card_v2',
  spec_version: '2.0',
  data: {
    name: 'Fig',
    description: 'A fox.',
    first_mes: 'Oh!',
    mes_example: '<START>\n{{user}}: Hi\n{{char}}: Hello.',
  },
});

/** Files as people and attackers send them. */
export async function fileSamples(): Promise<Buffer[]> {
  const png = await encodePng(solidImage(70, 70, [200, 90, 30]));
  const card = withPngTexts(png, { chara: Buffer.from(CARD).toString('base64') });
  const yaml = 'name: Fig\ndescription: A fox.\ndialogues:\n  - {user: Hi, reply: Hello.}\n';
  const folder = zipSync({ 'character.yaml': strToU8(yaml), 'one.png': png });
  const zip = (files: Record<string, Uint8Array>) => zipSync(files, { level: 1 });
  return [
    Buffer.from(CARD),
    card,
    Buffer.from(folder),
    Buffer.from(zip({ 'card.json': strToU8(CARD), 'assets/icon/main.png': png })),
    // Bombs: much from little, in an archive and in a picture's header.
    Buffer.from(zip({ 'character.yaml': strToU8(yaml), 'one.png': new Uint8Array(80 * 2 ** 20) })),
    hugePng(png),
    // Names that lead elsewhere, archives in archives, a picture that is an archive too.
    Buffer.from(zip({ '../../../../tmp/fuzz-traversal.yaml': strToU8(yaml), 'C:\\x\\y.png': png })),
    Buffer.from(zip({ 'inner.zip': folder, 'character.yaml': strToU8(yaml) })),
    Buffer.concat([png, folder]),
    Buffer.concat([card, Buffer.from('<script>alert(1)</script>')]),
    // Damage.
    card.subarray(0, card.length - 30),
    Buffer.from(folder).subarray(0, folder.length - 10),
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    Buffer.from('{"spec":"chara_card_v2","data":'),
    Buffer.alloc(0),
    Buffer.alloc(4096, 0xff),
  ];
}

/** A small file whose header announces 60000 × 60000 pixels. */
function hugePng(png: Buffer): Buffer {
  const huge = Buffer.from(png);
  huge.writeUInt32BE(60_000, 16);
  huge.writeUInt32BE(60_000, 20);
  return huge;
}
