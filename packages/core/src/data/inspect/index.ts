export type { Finding } from './finding.js';
export {
  type InspectionReport,
  type InspectOptions,
  inspectCharacter,
  inspectFolder,
  type TaskReport,
  type TokenLengths,
} from './inspect-character.js';
