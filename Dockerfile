# syntax=docker/dockerfile:1
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Production dependencies only, and none of them has an install script that is needed.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# The helper that starts the programs of steps is compiled here; the image has no compiler.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY scripts/spawner.sh ./scripts/
COPY src/kernel/child/spawner/helper.c ./src/kernel/child/spawner/
RUN sh scripts/spawner.sh && ls node_modules/.cache/tocsin/tocsin-spawn-*

FROM node:24-slim
# tini reaps what steps leave behind and passes signals on; util-linux has setpriv and unshare, which end a step's processes with it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini util-linux ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data /config \
 && chown node:node /data
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY commands ./commands
COPY runbooks ./runbooks
ENV NODE_ENV=production \
    TOCSIN_LISTEN=0.0.0.0:8080 \
    TOCSIN_DATA=/data \
    PATH=/app/bin:$PATH
# tocsin.yaml, policy.yaml and runbooks are mounted here. Listening beyond loopback needs tokens in tocsin.yaml, or start refuses.
WORKDIR /config
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.TOCSIN_LISTEN || '').split(':').pop() + '/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# As scripts/start.sh does it: less memory for the young generation, at no cost that can be measured.
ENTRYPOINT ["tini", "--", "node", "/app/src/main.ts"]
