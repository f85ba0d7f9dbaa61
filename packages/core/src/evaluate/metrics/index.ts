export { bleu1 } from './bleu-1.js';
export { chrf } from './chrf.js';
export { distinctN } from './distinct.js';
export { exactMatchNormalised, exactMatchStrict } from './exact-match.js';
export { isChoiceCorrect, selectedChoice } from './multiple-choice.js';
export { type RougeL, rougeL } from './rouge-l.js';
export { type Vendi, vendi } from './vendi.js';
export { normalisedText, type TextPair, words } from './words.js';
