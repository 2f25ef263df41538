# The broker, and with --target dev-issuer the parts that are only for trying it out.
FROM node:24.11.1-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=warn
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY migrations ./migrations
# What serves evaluation and benchmarks stays out of the broker's image.
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json \
  && cp -r dist /release \
  && rm -rf /release/src/dev /release/bench

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --loglevel=warn

# An OIDC issuer that gives anybody any token, and the programs that set up docker-compose.yml.
FROM base AS dev-issuer
COPY package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY tools/healthcheck.mjs ./tools/healthcheck.mjs
COPY vault-policies ./vault-policies
# Volumes that are mounted here belong to the user that writes into them.
RUN mkdir -p /secrets/postgres /secrets/openbao /secrets/broker && chown -R node:node /secrets
USER node
EXPOSE 9090
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=5 \
  CMD ["node", "tools/healthcheck.mjs", "http://127.0.0.1:9090/.well-known/openid-configuration"]
ENTRYPOINT ["node"]
CMD ["dist/src/dev/issuer-main.js", "--host", "0.0.0.0", "--port", "9090", "--public-url", "http://127.0.0.1:9090"]

# The last stage is what `docker build .` makes. It writes nothing but to /tmp, so it can run read-only.
FROM base AS broker
ENV NODE_ENV=production
COPY LICENSE package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /release ./dist
COPY bin ./bin
COPY tools/healthcheck.mjs ./tools/healthcheck.mjs
COPY vault-policies ./vault-policies
COPY config/alerts ./config/alerts
USER node
EXPOSE 8480
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "tools/healthcheck.mjs", "http://127.0.0.1:8480/livez"]
ENTRYPOINT ["node", "--max-semi-space-size=4", "bin/leasegate.mjs"]
CMD ["serve"]
