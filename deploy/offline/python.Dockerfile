# Debian's own Python, in place of python:3.13.11-slim where no hub can be reached.
ARG BASE_IMAGE=debian:trixie
FROM ${BASE_IMAGE}
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3 python3-venv ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* && ln -s python3 /usr/bin/python
CMD ["python3"]
