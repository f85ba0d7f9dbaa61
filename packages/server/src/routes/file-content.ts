import { answers, media } from '../answers/answers.js';
import type { CharacterFiles } from '../cards/character-files.js';
import type { Serving } from '../serving.js';
import type { State } from '../state/state.js';
import type { App } from './app.js';
import { findTrainingFile, TRAINING_FILE_ID } from './training-files.js';

/** Archives to train on, where the server takes them. */
export interface Archives {
  readonly trainingFiles: State['trainingFiles'];
  readonly files: CharacterFiles;
}

/** `GET /v1/files/{id}/content`: a drawn picture, or an archive as it was uploaded. */
export function fileContentRoutes(app: App, { pictures }: Serving, archives: Archives | undefined): void {
  app.get<{ Params: { id: string } }>(
    '/v1/files/:id/content',
    {
      schema: {
        tags: ['files'],
        summary: 'A drawn picture, or an uploaded archive',
        response: answers(media('The content', 'image/png', 'application/zip'), 404),
      },
    },
    async ({ owner, params: { id } }, reply) => {
      if (archives && TRAINING_FILE_ID.test(id)) {
        await findTrainingFile(archives.trainingFiles, owner, id, 'id');
        return reply
          .type('application/zip')
          .header('content-disposition', `attachment; filename="${id}.zip"`)
          .send(archives.files.original(id));
      }
      return reply
        .type('image/png')
        .header('cache-control', 'private, max-age=31536000, immutable')
        .send(await pictures.read(id));
    },
  );
}
