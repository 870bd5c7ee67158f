# syntax=docker/dockerfile:1
# easy-backup on Alpine: the official Node, the clients of every PostgreSQL major that this Alpine has, MariaDB's, MongoDB's tools where it has them, zstd,
# pigz, age, gpg and GNU tar.
# docs/operations.md, "In a container", says how to run it and how each claim about it was checked.

FROM node:26-alpine AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the optional packages: they bring a Node built for glibc, which does not start on Alpine.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26-alpine
# The majors are read from Alpine's own index, so that none is forgotten when it moves on.
# tini is process 1: it passes signals on, and ends the zombies of tools whose parent died.
RUN set -eu; \
    apk update; \
    clients=$(apk search -q 'postgresql*-client' | grep -E '^postgresql[0-9]+-client$' | sort -u); \
    test -n "$clients"; \
    mongo=$(apk search -q -e mongodb-tools || true); \
    apk add age ca-certificates gnupg mariadb-client pigz tar tini tzdata zstd $clients $mongo; \
    rm -rf /var/cache/apk/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx; \
    mkdir -p /backups /var/lib/easy-backup /var/tmp/easy-backup /etc/easy-backup; \
    chown 1000:1000 /backups /var/lib/easy-backup /var/tmp/easy-backup; \
    chmod 0700 /var/lib/easy-backup /var/tmp/easy-backup; \
    ln -s /app/bin/easy-backup /usr/local/bin/easy-backup
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="easy-backup" \
      org.opencontainers.image.description="Database backups your team sees, proves and restores from Slack" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Used when there is no configuration file (one database from the environment); a file says its own.
ENV NODE_ENV=production \
    STATE_DIR=/var/lib/easy-backup \
    TEMP_DIR=/var/tmp/easy-backup
# node of the official image, by number so that a cluster can see that it is not root
USER 1000:1000
# All that is ever written: the root file system may be read-only.
VOLUME ["/var/lib/easy-backup", "/var/tmp/easy-backup", "/backups"]
EXPOSE 8080
# SIGTERM: no new work; running work gets 10 s, then it is interrupted and told at the next start
STOPSIGNAL SIGTERM
# Asks /health where `monitoring.health_check` is on; without it there is nothing to ask, and a running process is all one can see.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 \
  CMD nc -z 127.0.0.1 "${HEALTH_PORT:-8080}" || exit 0; wget -q -T 8 -O /dev/null "http://127.0.0.1:${HEALTH_PORT:-8080}/health"
ENTRYPOINT ["/sbin/tini", "--", "/app/bin/easy-backup"]
CMD ["serve"]
