# syntax=docker/dockerfile:1
# Three images: `docker build .` is the service; `--target simulator` plays BigCommerce and `--target shop` is an example: neither is
# ever deployed.

# --- build: dependencies first, in a layer that changes only with the manifests
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
ENV SQLX_OFFLINE=true CARGO_TERM_COLOR=never

COPY Cargo.toml Cargo.lock build.rs ./
COPY simulator/Cargo.toml simulator/Cargo.toml
COPY devtools/Cargo.toml devtools/Cargo.toml
RUN mkdir -p src simulator/src devtools/src migrations \
    && for main in src/main.rs simulator/src/main.rs devtools/src/main.rs; do echo 'fn main() {}' > $main; done \
    && touch src/lib.rs simulator/src/lib.rs devtools/src/lib.rs
RUN cargo build --release --locked --package headless-checkout --bins
RUN cargo build --release --locked --package bigcommerce-simulator --bins
RUN cargo build --release --locked --package devtools --bins

COPY .sqlx .sqlx
COPY assets assets
COPY devtools devtools
COPY migrations migrations
COPY simulator simulator
COPY src src
# The sources may be older than what was just built from the empty ones.
RUN touch src/main.rs src/lib.rs simulator/src/main.rs simulator/src/lib.rs devtools/src/main.rs devtools/src/lib.rs
RUN cargo build --release --locked --package headless-checkout --bins
RUN cargo build --release --locked --package bigcommerce-simulator --bins
RUN cargo build --release --locked --package devtools --bins
RUN mkdir -p /out && cp target/release/headless-checkout target/release/bigcommerce-simulator target/release/dev /out/

# --- what the images share
FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 checkout \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin checkout
USER 10001
STOPSIGNAL SIGTERM

# --- the simulator
FROM base AS simulator
COPY --from=build /out/bigcommerce-simulator /usr/local/bin/bigcommerce-simulator
ENV SIMULATOR_ADDR=0.0.0.0:4200
EXPOSE 4200
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4200"]
ENTRYPOINT ["bigcommerce-simulator"]

# --- the example shop
FROM base AS shop
COPY --from=build /out/dev /usr/local/bin/dev
COPY examples/shop /usr/local/share/headless-checkout/examples/shop
COPY clients/javascript/src /usr/local/share/headless-checkout/clients/javascript/src
ENV SHOP_FILES=/usr/local/share/headless-checkout
ENV SHOP_ADDR=0.0.0.0:3000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3000"]
ENTRYPOINT ["dev"]
CMD ["shop"]

# --- the service
FROM base AS service
COPY --from=build /out/headless-checkout /usr/local/bin/headless-checkout
ENV LISTEN_ADDR=0.0.0.0:8080
# A balancer may take some seconds to notice.
ENV DRAIN_SECONDS=5
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["headless-checkout", "healthcheck"]
ENTRYPOINT ["headless-checkout"]
CMD ["serve"]
