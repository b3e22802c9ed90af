# syntax=docker/dockerfile:1
# The server in a small image without a shell, run by a user without rights. docs/deploying.md says how to use it;
# scripts/image.sh makes the same image as a folder, where no container engine is available.

FROM rust:1.96-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The tools change more rarely than the sources.
COPY Cargo.toml Cargo.lock ./
COPY scripts scripts
RUN scripts/setup.sh build
COPY . .
# `local` adds the stand-ins and the lab, for compose.yaml. Empty: the production build, which has neither.
ARG FEATURES=
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    FEATURES="$FEATURES" scripts/package.sh \
    && cp -R target/package/seamline /package \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /package /opt/seamline
# SQLite's file, where DATABASE_URL does not name another database.
COPY --from=build --chown=65532:65532 /data /data
ENV LEPTOS_SITE_ROOT=/opt/seamline/site
ENV LEPTOS_SITE_ADDR=0.0.0.0:3000
ENV DATA_DIR=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/opt/seamline/seamline", "health"]
ENTRYPOINT ["/opt/seamline/seamline"]
