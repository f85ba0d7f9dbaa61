import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng, readCharacter, readPngTexts, solidImage, withPngTexts } from '@unicharacter/core';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../src/routes/app.js';
import { openState, type State } from '../src/state/state.js';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

const OLMO = fileURLToPath(new URL('../../../examples/olmo/train/Olmo/', import.meta.url));

/** Spacing, an unknown field, a number that JavaScript rounds: what a round trip through objects would lose. */
const V2 = `{ "spec":"chara_card_v2", "spec_version":"2.0","unknown": 12345678901234567890,
 "data":{"name":"Fig","description":"{{char}} is a small fox.","personality":"shy","scenario":"","first_mes":"Oh! Hello, {{user}}.",
 "mes_example":"<START>\\n{{user}}: Who are you?\\n{{char}}: I am Fig.\\nA fox.\\n{{user}}: And your hat?\\n{{char}}: It is red.",
 "creator_notes":"secret notes","extensions":{"x/y":{"a":[1e2]}},
 "character_book":{"entries":[{"keys":["the hat"],"content":"{{char}}'s hat is red.","enabled":true},{"keys":["off"],"content":"x","enabled":false}]}}}`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('uploaded characters', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-uploads-'));
  let state: State;
  let app: App;
  beforeAll(async () => {
    state = await openState({});
    app = await serveFake(new FakeEngine(), { state, uploads: folder });
  });
  afterAll(async () => {
    await app.close();
    await state.close();
    rmSync(folder, { recursive: true });
  });

  async function upload(file: Uint8Array, fields: Record<string, string> = { consent: 'true' }) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set('file', new Blob([new Uint8Array(file)]), '../../evil.png');
    return send(form);
  }
  async function send(form: FormData) {
    const request = new Request('http://127.0.0.1/', { method: 'POST', body: form });
    const response = await app.inject({
      method: 'POST',
      url: '/v1/characters',
      headers: { 'content-type': request.headers.get('content-type')! },
      payload: Buffer.from(await request.arrayBuffer()),
    });
    return { status: response.statusCode, body: response.json() };
  }
  const exported = async (id: string, format: string) =>
    (await app.inject(`/v1/characters/${id}/card.${format}`)).rawPayload;
  const picture = (shade: number) => encodePng(solidImage(80, 80, [shade, 100, 50]));

  it('come as JSON and go back byte for byte', async () => {
    const { status, body } = await upload(Buffer.from(V2), { consent: 'true', provenance: 'my own' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'character.upload',
      name: 'Fig',
      format: 'json',
      provenance: 'my own',
    });
    expect((await exported(body.id, 'json')).toString()).toBe(V2);
    expect((await app.inject(`/v1/characters/${body.id}/card.png`)).json().error.code).toBe('no_picture');
    const character = await readCharacter(join(folder, body.id, 'data'));
    expect(character).toMatchObject({
      name: 'Fig',
      description: 'Fig is a small fox.\nshy',
      opening: 'Oh! Hello, the user.',
      profile: 'secret notes',
      dialogues: [
        { user: 'Who are you?', reply: 'I am Fig.\nA fox.' },
        {
          user: 'And your hat?',
          reply: 'It is red.',
          history: [
            { role: 'user', text: 'Who are you?' },
            { role: 'Fig', text: 'I am Fig.\nA fox.' },
          ],
        },
      ],
      knowledge: [{ question: 'What about the hat?', answer: "Fig's hat is red." }],
    });
  });

  it('come as PNG; every other format keeps the fields', async () => {
    const png = withPngTexts(await picture(9), { chara: base64(V2), other: 'kept' });
    const { body } = await upload(png);
    expect(body.format).toBe('png');
    expect(await exported(body.id, 'png')).toEqual(png);
    expect((await exported(body.id, 'json')).toString()).toBe(V2);
    const charx = unzipSync(await exported(body.id, 'charx'));
    const card = JSON.parse(Buffer.from(charx['card.json']!).toString());
    expect(card).toMatchObject({ spec: 'chara_card_v3', spec_version: '3.0' });
    expect(card.data.extensions).toEqual({ 'x/y': { a: [100] } });
    expect(card.data.assets).toEqual([
      { type: 'icon', uri: 'embeded://assets/icon/image/0.png', name: 'main', ext: 'png' },
    ]);
    const again = await upload(await exported(body.id, 'charx'));
    expect(again.body).toMatchObject({ name: 'Fig', format: 'charx' });
    expect((await readCharacter(join(folder, again.body.id, 'data'))).images).toHaveLength(1);
  });

  it('come as CHARX with expressions, and carry the card for both kinds of readers as PNG', async () => {
    const card = JSON.stringify({
      spec: 'chara_card_v3',
      spec_version: '3.0',
      data: {
        name: 'Fig',
        description: 'A fox.',
        group_only_greetings: [],
        assets: [
          { type: 'icon', uri: 'embeded://assets/icon/main.png', name: 'main', ext: 'png' },
          { type: 'emotion', uri: 'embeded://assets/emotion/happy.png', name: 'happy', ext: 'png' },
          { type: 'icon', uri: 'http://127.0.0.1/never-fetched.png', name: 'far', ext: 'png' },
        ],
      },
    });
    const charx = zipSync({
      'card.json': Buffer.from(card),
      'assets/icon/main.png': await picture(1),
      'assets/emotion/happy.png': await picture(200),
    });
    const { body } = await upload(charx);
    expect(await exported(body.id, 'charx')).toEqual(Buffer.from(charx));
    const { t2i, images } = await readCharacter(join(folder, body.id, 'data'));
    expect(images).toHaveLength(2);
    expect(t2i.map(({ instruction }) => instruction)).toEqual(['A picture of Fig', 'Fig, happy']);
    const texts = readPngTexts(await exported(body.id, 'png'));
    expect(Buffer.from(texts.ccv3!, 'base64').toString()).toBe(card);
    expect(JSON.parse(Buffer.from(texts.chara!, 'base64').toString())).toMatchObject({
      spec: 'chara_card_v2',
      data: { name: 'Fig' },
    });
  });

  it('come as a RoleScape folder with the doctor’s findings', async () => {
    const files = readdirSync(OLMO).map((name) => [`Olmo/${name}`, readFileSync(join(OLMO, name))] as const);
    const archive = zipSync(Object.fromEntries([...files, ['__MACOSX/._0.png', Buffer.from('litter')]]));
    const { status, body } = await upload(archive);
    expect([status, body.name, body.format]).toEqual([200, 'Olmo', 'folder']);
    expect(Array.isArray(body.findings)).toBe(true);
    const data = join(folder, body.id, 'data');
    const [imported, original] = [await readCharacter(data), await readCharacter(OLMO)];
    expect(imported.images).toHaveLength(original.images.length);
    expect(imported.dialogues.map(({ reply }) => reply)).toEqual(
      original.dialogues.map(({ reply }) => reply),
    );
    expect(JSON.stringify(body.findings)).not.toContain(folder);
    const texts = readPngTexts(await exported(body.id, 'png'));
    expect(JSON.parse(Buffer.from(texts.ccv3!, 'base64').toString()).data.first_mes).toBe(original.opening);
  });

  it('are made from scratch by form, and say what they lack', async () => {
    const form = new FormData();
    form.set('consent', 'true');
    form.set('provenance', 'my own drawings');
    const profile = {
      name: 'Moth',
      description: 'A moth that reads.',
      captions: ['Moth on a lamp', ''],
      dialogues: [{ user: 'Hi', reply: 'Flutter.' }],
      vqa: [{ image: 'b&w', question: 'Colours?', answer: 'None.' }],
    };
    form.set('profile', JSON.stringify(profile));
    for (const [index, name] of ['one.png', '../b&w.png', 'three.png'].entries()) {
      form.append('images[]', new Blob([new Uint8Array(await picture(80 * index))]), name);
    }
    const { status, body } = await send(form);
    expect([status, body.name, body.images, body.trainable]).toEqual([200, 'Moth', 3, true]);
    const { t2i, vqa, images } = await readCharacter(join(folder, body.id, 'data'));
    expect(images.map(({ id }) => id)).toEqual(['0', '1', '2']);
    expect(t2i.map(({ imageId, instruction }) => [imageId, instruction])).toEqual([
      ['0', 'Moth on a lamp'],
      ['2', 'A picture of Moth'],
    ]);
    expect(vqa[0]!.imageId).toBe('1');
    expect(body.tasks).toContainEqual({ task: 't2i_instruction', samples: 2 });
    expect(body.missing.map(({ what }: { what: string }) => what)).toEqual([
      'images',
      'dialogues',
      'knowledge',
      'opening',
    ]);
    const listed = (await app.inject('/v1/characters/uploads')).json().data;
    expect(listed[0]).toEqual(body);
    expect((await app.inject(body.portrait)).headers['content-type']).toBe('image/png');

    form.set('profile', JSON.stringify({ ...profile, dialogs: [] }));
    expect((await send(form)).body.error).toMatchObject({ code: 'invalid_character', param: 'profile' });
    form.set('profile', JSON.stringify({ ...profile, captions: ['a', 'b', 'c', 'd'] }));
    expect((await send(form)).body.error).toMatchObject({ code: 'invalid_profile', param: 'profile' });
    form.set('profile', '{');
    expect((await send(form)).body.error.code).toBe('invalid_profile');
  });

  it('need consent', async () => {
    const { status, body } = await upload(Buffer.from(V2), {});
    expect([status, body.error.code, body.error.param]).toEqual([400, 'consent_required', 'consent']);
  });

  it('are deleted with their files, and only by their owner', async () => {
    const { id } = (await upload(Buffer.from(V2))).body;
    expect(await state.characters.remove('somebody', id)).toBe(false);
    const remove = () => app.inject({ method: 'DELETE', url: `/v1/characters/${id}` });
    expect([(await remove()).statusCode, (await remove()).statusCode]).toEqual([200, 404]);
    expect(existsSync(join(folder, id))).toBe(false);
    expect((await app.inject(`/v1/characters/${id}/card.json`)).statusCode).toBe(404);
  });

  it('are refused when something is wrong, and leave nothing behind', async () => {
    const before = readdirSync(folder).length;
    const yaml = Buffer.from('name: A\ndescription: B\n');
    const huge = Buffer.from(await picture(1));
    huge.writeUInt32BE(100_000, 16);
    huge.writeUInt32BE(100_000, 20);
    const jpegAndMore = Buffer.concat([await picture(3), Buffer.from('PK\x03\x04<script>')]);
    const refusals: [Uint8Array, string][] = [
      [Buffer.from('{"spec":"chara_card_v9","data":{}}'), 'invalid_card'],
      [Buffer.from('{"spec":"chara_card_v2","data":{"name":" "}}'), 'invalid_card'],
      [Buffer.from('not a card'), 'invalid_card'],
      [await picture(2), 'invalid_card'],
      [(await picture(2)).subarray(0, 60), 'invalid_card'],
      [Buffer.from('%PDF-1.7'), 'invalid_upload'],
      [zipSync({ '../character.yaml': yaml }), 'invalid_archive'],
      [zipSync({ 'character.yaml': yaml, 'run.sh': yaml }), 'invalid_archive'],
      [zipSync({ 'character.yaml': yaml, 'a.png': huge }), 'invalid_image'],
      [zipSync({ 'character.yaml': yaml, 'a.png': jpegAndMore }), 'invalid_image'],
      [zipSync({ 'character.yaml': Buffer.from('name: A\nwrong: B\n') }), 'invalid_character'],
      [
        Buffer.concat([withPngTexts(await picture(3), { chara: base64(V2) }), Buffer.from('x')]),
        'invalid_image',
      ],
    ];
    for (const [file, code] of refusals) {
      const { status, body } = await upload(file);
      expect([status, body.error.code, body.error.message]).toEqual([
        400,
        code,
        expect.not.stringContaining(folder),
      ]);
    }
    expect(readdirSync(folder)).toHaveLength(before);
    const json = await app.inject({ method: 'POST', url: '/v1/characters', payload: {} });
    expect([json.statusCode, json.json().error.code]).toEqual([415, 'unsupported_media_type']);
  });
});
