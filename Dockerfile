# sluice in a container without a shell, a package manager or privileges:
#
#   docker build -t sluice .
#   docker run --read-only --cap-drop ALL -p 443:8443 -v "$PWD/sluice.toml:/etc/sluice/sluice.toml:ro" sluice
#
# It listens on the ports of its configuration: ones above 1024, which take no privilege, to be published as others. To
# be reloaded when the configuration changes, mount the directory in place of the file.

FROM --platform=$BUILDPLATFORM denoland/deno:debian-2.9.6 AS build
ARG TARGETARCH
WORKDIR /sluice
COPY . .
RUN case "$TARGETARCH" in \
      amd64) target=x86_64-unknown-linux-gnu ;; \
      arm64) target=aarch64-unknown-linux-gnu ;; \
      *) echo "there is no runtime for $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    deno task compile --target "$target"

# The C library, and nothing to run.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /sluice/sluice /usr/local/bin/sluice
# The admin address is what HEALTHCHECK asks. It goes before the file's: for Prometheus set it to 0.0.0.0:9090.
ENV SLUICE_CONFIG=/etc/sluice/sluice.toml \
    SLUICE_ADMIN_ADDRESS=127.0.0.1:9090
USER nonroot
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/usr/local/bin/sluice", "health"]
ENTRYPOINT ["/usr/local/bin/sluice"]
CMD ["run"]
