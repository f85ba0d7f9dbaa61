import type { Finding, Missing } from '../api/uploads.js';
import { inPlainWords } from '../shared/task-words.js';
import type { Draft } from './draft.js';
import { filledFacts } from './draft.js';
import { dialoguesAndScenes } from './draft-form.js';

/** Something to say beside a field. */
export interface Remark {
  readonly severity: Finding['severity'];
  readonly message: string;
}

/** Where a remark belongs: a field, a section, the key of a row or picture, or '' for the whole. */
export type Place = string;

const FIELDS = new Set(['name', 'description', 'opening']);
const SECTIONS: Readonly<Record<Missing['what'], Place>> = {
  images: 'pictures',
  captions: 'pictures',
  dialogues: 'dialogues',
  knowledge: 'facts',
  opening: 'opening',
};

/** The remarks of the doctor beside what they are about, in the order in which they were made. */
export function placeFindings(
  draft: Draft,
  findings: readonly Finding[],
  missing: readonly Missing[],
): Map<Place, Remark[]> {
  const placed = new Map<Place, Remark[]>();
  const put = (place: Place, remark: Remark) => placed.set(place, [...(placed.get(place) ?? []), remark]);
  for (const { what, required, message } of missing) {
    put(SECTIONS[what], { severity: required ? 'error' : 'info', message });
  }
  for (const finding of inPlainWords(findings))
    put('file' in finding ? placeOf(draft, finding) : '', finding);
  return placed;
}

function placeOf(draft: Draft, { file, field }: Finding): Place {
  const picture = /^(\d+)\.\w+$/.exec(file)?.[1];
  if (picture !== undefined) return draft.pictures[Number(picture)]?.key ?? 'pictures';
  const [, list = '', row] = field.split('/');
  if (FIELDS.has(list)) return list;
  const { dialogues, scenes } = dialoguesAndScenes(draft);
  const inScenes = new Set(scenes.map(({ picture }) => picture));
  const rows: Readonly<Record<string, readonly { key: string }[]>> = {
    dialogues,
    scenes,
    knowledge: filledFacts(draft),
    // Pictures without words of their own that a scene describes get no instruction.
    t2i: draft.pictures.filter(({ key, caption }) => caption.trim() !== '' || !inScenes.has(key)),
  };
  return rows[list]?.[Number(row)]?.key ?? '';
}
