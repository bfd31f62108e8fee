# Prometheus with promtool, or another program of its family, from Debian's own package, in place of prom/prometheus:v3.7.3
# and its like where no hub can be reached.
ARG BASE_IMAGE=debian:trixie
FROM ${BASE_IMAGE}
ARG PACKAGE=prometheus
RUN printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d \
    && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$PACKAGE" \
    && rm -rf /var/lib/apt/lists/* && ln -s "/usr/bin/$PACKAGE" /usr/local/bin/program \
    && install -d -o nobody -g nogroup /prometheus /pushgateway
USER nobody
ENTRYPOINT ["program"]
