import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Media {
  readonly schema: object;
}
interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
}
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

export interface Answer {
  readonly method: string;
  /** As the document names it, for example `/v1/models/{*}`. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** Compares answers with what the OpenAPI document declares. */
export class AnswerCheck {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: false });
  private readonly known = new Map<string, ValidateFunction>();

  constructor(private readonly document: OpenApiDocument) {
    addFormats.default(this.ajv);
    this.ajv.addSchema(document, 'openapi');
  }

  /** What is wrong with an answer; undefined when it is as declared. */
  problem({ method, path, status, contentType, body }: Answer): string | undefined {
    const responses = this.document.paths[path]?.[method.toLowerCase()]?.responses;
    if (!responses) return `${method} ${path} is not in the document`;
    const declared = responses[status]?.content;
    if (!responses[status]) return `status ${status} is not declared`;
    const type = contentType?.split(';')[0] ?? '';
    if (!declared?.[type]) return `status ${status} is not declared with content type "${type}"`;
    const place = [path, method.toLowerCase(), 'responses', status, 'content', type, 'schema'];
    if (type === 'application/json') return this.mismatch(place, body);
    if (type !== 'text/event-stream') return undefined;
    for (const event of eventsOf(body)) {
      const problem = this.mismatch(place, event);
      // A failure in the middle of a stream is an event like any other.
      if (problem && this.mismatch(['#failure'], event)) return problem;
    }
    return undefined;
  }

  private mismatch(place: readonly (string | number)[], json: string): string | undefined {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      return `is no JSON: ${json.slice(0, 200)}`;
    }
    const validate = this.validator(place);
    if (validate(value)) return undefined;
    const { instancePath = '', message } = validate.errors?.[0] ?? {};
    return `${instancePath || 'the body'} ${message}: ${json.slice(0, 300)}`;
  }

  private validator(place: readonly (string | number)[]): ValidateFunction {
    const pointer =
      place[0] === '#failure'
        ? '/components/schemas/Failure'
        : `/paths/${place.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;
    const known = this.known.get(pointer);
    if (known) return known;
    const validate = this.ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` });
    this.known.set(pointer, validate);
    return validate;
  }
}

const eventsOf = (body: string): string[] =>
  body
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice('data: '.length))
    .filter((data) => data !== '[DONE]');

/** How the document names a route: `/v1/files/:id` → `/v1/files/{id}`. */
export const documentedPath = (route: string): string =>
  route.replace(/:(\w+)/g, '{$1}').replace(/\*/g, '{*}');
