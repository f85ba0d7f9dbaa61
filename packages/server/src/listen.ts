import { assertSafeBind } from './auth.js';
import type { App } from './routes/app.js';

export interface ListenOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Whether the server asks for a key. */
  hasKeys: boolean;
}

/**
 * Starts to listen and returns the address, for example `http://127.0.0.1:8080`.
 * @throws UnsafeBindError for an address that others can reach while no key is asked for.
 */
export async function listen(app: App, { host, port, hasKeys }: ListenOptions): Promise<string> {
  assertSafeBind(host, hasKeys);
  return await app.listen({ host, port });
}
