export { AnswerStore } from './answer-store.js';
export { type Answers, type AskOptions, type AskProgress, answerTo, askAll } from './ask-all.js';
export { ChatEndpoint, type EndpointOptions, type Usage } from './chat-endpoint.js';
export { EndpointError, InvalidAnswerError } from './endpoint-error.js';
export { type CostEstimate, costOf, estimateCost, type Prices } from './estimate-cost.js';
export { type Question, question } from './question.js';
