import type * as core from '@unicharacter/core';
import type { Terminal } from './terminal.js';

/** What commands need of a trained character; {@link core.CharacterEngine} has all of it. */
export type Engine = Pick<
  core.CharacterEngine,
  'character' | 'reply' | 'ask' | 'imagine' | 'illustrate' | 'rolePlay' | 'dispose'
>;

/** The functions of `@unicharacter/core` that commands call. */
export interface Core
  extends Pick<
    typeof core,
    | 'annotate'
    | 'characterOfRun'
    | 'ChatEndpoint'
    | 'CLIP_RECIPE'
    | 'costOf'
    | 'decodeImage'
    | 'describeBaseModel'
    | 'encodeTemplates'
    | 'encodePng'
    | 'estimateAnnotation'
    | 'evaluateRun'
    | 'exportRun'
    | 'inspectCharacter'
    | 'inspectFolder'
    | 'inspectModel'
    | 'isModelFolder'
    | 'isToyWorld'
    | 'judgeRequests'
    | 'loadConfig'
    | 'loadJudges'
    | 'loadTokenizer'
    | 'makeClip'
    | 'makeReader'
    | 'mapPaths'
    | 'measureTraining'
    | 'nativeInfo'
    | 'parseOverride'
    | 'planEvaluation'
    | 'planRun'
    | 'planStudy'
    | 'pretrain'
    | 'pretrainingCharacters'
    | 'PUBLISHED_NEEDS'
    | 'readCharacter'
    | 'READER_RECIPE'
    | 'readProfile'
    | 'readRubric'
    | 'readStudy'
    | 'recoverPublishedTemplates'
    | 'ROLESCAPE_SIZES'
    | 'renderConfig'
    | 'RunFolder'
    | 'runStudy'
    | 'studyTable'
    | 'summarise'
    | 'TOYSCAPE_NAMES'
    | 'toyscapeCharacter'
    | 'trainCharacter'
    | 'writeEvaluationReports'
    | 'writeFileAtomic'
    | 'writeStudy'
    | 'writeToyCharacter'
  > {
  openRun(folder: string): Promise<Engine>;
}

/** What a command gets from outside; tests hand in their own. */
export interface CommandContext {
  terminal: Terminal;
  /** The user's folder: relative paths start here. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Loads the model code; only commands that need it pay for the loading. */
  core(): Promise<Core>;
  /** Tells the process how the command ended, where no error is thrown. */
  setExitCode(code: number): void;
}
