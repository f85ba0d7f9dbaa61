import { get, RequestError, request } from './request.js';

/** One thing that a look at the data brought up. */
export interface Finding {
  /** error: it cannot be trained on; warning: probably not meant; info: worth knowing. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly file: string;
  /** JSON pointer into the file; '' when it is about the whole file. */
  readonly field: string;
  readonly message: string;
}

export interface Missing {
  readonly what: 'images' | 'captions' | 'dialogues' | 'knowledge' | 'opening';
  /** True when the character cannot be trained without it. */
  readonly required: boolean;
  readonly message: string;
}

/** The data of a character, uploaded to be trained on. */
export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly format: 'png' | 'json' | 'charx' | 'folder';
  readonly provenance: string;
  /** Seconds since 1970. */
  readonly consented_at: number;
  readonly portrait: string | null;
  readonly images: number;
  readonly tasks: readonly { readonly task: string; readonly samples: number }[];
  readonly findings: readonly Finding[];
  readonly missing: readonly Missing[];
  readonly trainable: boolean;
}

const path = (id: string): string => `/v1/characters/${id}`;

/** Uploaded characters, the newest first; undefined where the server takes none. */
export async function fetchUploads(): Promise<Upload[] | undefined> {
  try {
    return (await get<{ data: Upload[] }>('/v1/characters/uploads')).data;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined;
    throw error;
  }
}

export const fetchUpload = (id: string): Promise<Upload> => get<Upload>(path(id));

/** Uploads what a form holds. @throws RequestError; `param` names the part */
export async function upload(form: FormData): Promise<Upload> {
  return (await (await request('/v1/characters', { method: 'POST', body: form })).json()) as Upload;
}

export async function removeUpload(id: string): Promise<void> {
  await request(path(id), { method: 'DELETE' });
}

export type CardFormat = 'png' | 'json' | 'charx';

/** Saves the card of an upload as a file. @throws RequestError where there is none in the format */
export async function saveCard({ id, name }: Upload, format: CardFormat): Promise<void> {
  const blob = await (await request(`${path(id)}/card.${format}`)).blob();
  const address = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = `${name}.${format}`;
  anchor.click();
  URL.revokeObjectURL(address);
}
