export { planStudy, type StudyPlanRow } from './plan-study.js';
export { runStudy, type StudyHooks, type VariantResult } from './run-study.js';
export { readStudy, type Study, type StudyVariant } from './study-file.js';
export { studyTable, writeStudy } from './study-table.js';
