# syntax=docker/dockerfile:1
# The workers of all queues, or of one with `--queue tts`; with `web`, the page and the status API. See systemd/README.md
# for how to run it.

FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY preppath_workers ./preppath_workers
# The builder keeps pip's cache between builds.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/preppath-workers && /opt/preppath-workers/bin/pip install '.[web]'

FROM python:3.13-slim
# ffmpeg cuts recordings that are too long for one request.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin preppath
COPY --from=build /opt/preppath-workers /opt/preppath-workers
ENV PATH=/opt/preppath-workers/bin:$PATH
# Numeric, because Kubernetes' runAsNonRoot rejects user names.
USER 10001:10001
WORKDIR /

# The supervisor is process 1 and reaps orphaned processes, so no init is needed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s \
    CMD ["preppath-workers", "health", "--local", "--quiet"]
# The kernel drops signals to process 1 that are neither handled nor blocked. Blocked from here on, a stop signal that
# arrives while Python loads waits for the supervisor.
ENTRYPOINT ["env", "--block-signal=TERM,HUP", "preppath-workers"]
