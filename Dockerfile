# syntax=docker/dockerfile:1

# --- build: dependencies first, in a layer that changes only with the manifests
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
ENV SQLX_OFFLINE=true CARGO_TERM_COLOR=never

COPY Cargo.toml Cargo.lock build.rs ./
COPY simulator/Cargo.toml simulator/Cargo.toml
RUN mkdir -p src simulator/src migrations \
    && echo 'fn main() {}' > src/main.rs \
    && echo 'fn main() {}' > simulator/src/main.rs \
    && touch src/lib.rs simulator/src/lib.rs
RUN cargo build --release --locked --workspace --bins

COPY .sqlx .sqlx
COPY assets assets
COPY migrations migrations
COPY simulator simulator
COPY src src
# The sources may be older than what was just built from the empty ones.
RUN touch src/main.rs src/lib.rs simulator/src/main.rs simulator/src/lib.rs
RUN cargo build --release --locked --workspace --bins
RUN mkdir -p /out && cp target/release/headless-checkout target/release/bigcommerce-simulator /out/

# --- run
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin checkout
COPY --from=build /out/headless-checkout /usr/local/bin/headless-checkout
COPY --from=build /out/bigcommerce-simulator /usr/local/bin/bigcommerce-simulator
USER 10001
ENV LISTEN_ADDR=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["headless-checkout", "healthcheck"]
ENTRYPOINT ["headless-checkout"]
CMD ["serve"]
