/** An http or https address without user, password and query, which may hold secrets; undefined for anything else. */
export function publicUrl(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) return undefined;
  return `${parsed.origin}${parsed.pathname}`;
}
