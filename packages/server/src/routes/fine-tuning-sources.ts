import { ApiError, invalidRequest } from '../errors.js';
import type { State } from '../state/state.js';
import type { JobBody } from './fine-tuning-schema.js';
import { findTrainingFile } from './training-files.js';

/** The uploads that a job trains and measures on. */
export interface JobSources {
  /** Id of an uploaded character or a training file. */
  readonly training: string;
  readonly validation: string | null;
  /** Training files for which consent has not been stated yet. */
  readonly withoutConsent: readonly string[];
}

/** @throws ApiError 400 unless exactly one upload is named to train on, 404 for one that the owner does not have */
export async function findSources(state: State, owner: string, body: JobBody): Promise<JobSources> {
  const { training_file: file, character, validation_file: validation } = body;
  if ((file == null) === (character == null)) {
    throw invalidRequest(
      'Expected either "training_file", the id of an uploaded file, or "character", the id of an uploaded character.',
      'training_file',
    );
  }
  const withoutConsent: string[] = [];
  const find = async (id: string, param: string): Promise<string> => {
    const { consentedAt } = await findTrainingFile(state.trainingFiles, owner, id, param);
    if (!consentedAt) withoutConsent.push(id);
    return id;
  };
  // Uploaded characters are named in "training_file" too, where jobs tell them.
  const uploaded = character ?? (file?.startsWith('char_') ? file : undefined);
  const training =
    uploaded === undefined
      ? await find(file!, 'training_file')
      : await findCharacter(state, owner, uploaded, character == null ? 'training_file' : 'character');
  return {
    training,
    validation: validation == null ? null : await find(validation, 'validation_file'),
    withoutConsent,
  };
}

const CHARACTER_ID = /^char_[0-9a-f]{24}$/;

async function findCharacter(state: State, owner: string, id: string, param: string): Promise<string> {
  if (CHARACTER_ID.test(id) && (await state.characters.find(owner, id))) return id;
  throw new ApiError(404, 'not_found_error', `There is no uploaded character "${id.slice(0, 80)}".`, {
    param,
    code: 'character_not_found',
  });
}

/**
 * Keeps with the files that consent was stated in the job's metadata.
 * @throws ApiError 400 when it is stated nowhere
 */
export async function stateConsent(
  { trainingFiles }: State,
  owner: string,
  { withoutConsent }: JobSources,
  { consent, provenance }: Readonly<Record<string, string>>,
): Promise<void> {
  if (withoutConsent.length === 0) return;
  if (consent !== 'true') {
    throw invalidRequest(
      'Expected metadata.consent="true": the depicted person agrees to this use, or nobody real is depicted. ' +
        'It may also be stated when the file is uploaded.',
      'metadata.consent',
      'consent_required',
    );
  }
  for (const id of withoutConsent) await trainingFiles.consent(owner, id, provenance);
}
