export {
  ANNOTATION_FOLDERS,
  type AnnotationOptions,
  type AnnotationResult,
  annotate,
  estimateAnnotation,
} from './annotate.js';
export { type AnnotationSizes, ROLESCAPE_SIZES } from './plan-annotation.js';
export { type AnnotationProfile, profileOf, readProfile } from './profile.js';
