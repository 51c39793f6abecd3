/** The longest answer, bytes: a certificate has 2 to 6 KB. */
const longest = 64 * 1024;

/**
 * Makes the `fetch` for addresses that senders name: https only, without redirects, and only to hosts of which every address is public, or
 * that are among `privateHosts` (as in `egress.private` of tocsin.yaml). The caller has checked before that the host belongs to the sender.
 * Rejects as the egress does.
 */
export function createFetchPublic(privateHosts: () => readonly string[] = () => []): typeof fetch {
  return async (input, init) => {
    // Undici is heavy, and most installations never need this.
    const { createEgress } = await import('./egress.ts');
    const { host, protocol } = new URL(String(input));
    const secure = protocol === 'https:';
    const rules = { allow: secure ? [host] : [], private: secure ? privateHosts() : [] };
    const egress = createEgress({ ...rules, maxBody: longest });
    try {
      const answer = await egress.fetch(input, { ...init, redirect: 'error' });
      const body = await answer.arrayBuffer();
      return new Response(body.byteLength === 0 ? null : body, { status: answer.status, headers: answer.headers });
    } finally {
      // Not awaited: a connect that is still under way would hold up whoever has given up on it.
      egress.close().catch(() => {});
    }
  };
}
