import type { RgbImage } from '@unicharacter/core';
import type { FastifyRequest } from 'fastify';
import type { ChatRequest } from './answer.js';
import type { PictureStore } from './picture-store.js';

interface Delivered {
  /** The message's `images`, as OpenRouter's clients read them. */
  readonly images?: readonly object[];
  /** A markdown image for clients that show text only. */
  readonly markdown?: string;
}

/** A drawn picture in the form that the client asked for; nothing when none was drawn. */
export async function deliver(
  pictures: PictureStore,
  image: RgbImage | undefined,
  delivery: ChatRequest['delivery'],
  request: FastifyRequest,
): Promise<Delivered> {
  if (!image || delivery === 'none') return {};
  const { id, png } = await pictures.keep(image);
  const url = `data:image/png;base64,${png.toString('base64')}`;
  return {
    ...(delivery === 'markdown' ? {} : { images: [{ type: 'image_url', image_url: { url } }] }),
    ...(delivery === 'images' ? {} : { markdown: `![picture](${fileUrl(request, id)})` }),
  };
}

/** The address under which this client reaches a stored picture. */
export function fileUrl(request: FastifyRequest, id: string): string {
  return `${request.protocol}://${request.host}/v1/files/${id}/content`;
}
