# One image for the three services, the mail sink, the contract's page and the instroom command; compose says which of them a container runs.
ARG BASE_IMAGE=python:3.13.11-slim

FROM ${BASE_IMAGE} AS packages
COPY deploy/runtime.lock .
# Behind a proxy that inspects traffic: docker build --secret id=ca,src=<its certificates>.
RUN --mount=type=secret,id=ca,target=/run/ca.pem if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && python3 -m venv /opt/instroom \
    && /opt/instroom/bin/pip install --disable-pip-version-check --no-cache-dir --no-deps --require-hashes -r runtime.lock \
    && /opt/instroom/bin/pip uninstall --disable-pip-version-check -qy pip

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home instroom && install -d -o instroom -g instroom /mail
COPY --from=packages /opt/instroom /opt/instroom
COPY contracts/instroom_contracts /app/instroom_contracts
COPY checking/instroom_checking /app/instroom_checking
COPY contracts/asyncapi.json /app/contracts/asyncapi.json
COPY contracts/samples /app/samples
COPY chassis /app/chassis
COPY services /app/services
COPY cli /app/cli
COPY deploy /app/deploy
COPY programmes /app/programmes
COPY docs/operating.md /app/docs/operating.md
RUN chmod -R a+rX /app
ENV PATH=/opt/instroom/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Where others reach the broker, whoever asks must be known; services.env may say any.
ENV INTAKE_SENDERS=known
WORKDIR /app
USER instroom
CMD ["python3", "-m", "cli", "--help"]
