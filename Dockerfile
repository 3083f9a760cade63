# tradingd in a container: the daemon as PID 1 and as nobody in particular, its state in one volume.
#
#   docker build -t tradingd .
#   docker run --name paper --read-only --tmpfs /tmp --cap-drop ALL -v tradingd-paper:/var/lib/tradingd tradingd
#   docker exec paper tradingd status -c /etc/tradingd/config.toml
#
# The default configuration is the paper one. For another, mount it over /etc/tradingd/config.toml (without state_dir)
# and hand secrets over as TRADINGD_BROKER__API_KEY and TRADINGD_BROKER__API_SECRET.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
# Each file is checked against its hash as it comes in; the installation below can take from these files alone.
RUN pip download --no-cache-dir --require-hashes --only-binary=:all: --dest /wheels --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY tradingd tradingd
RUN python -m venv --without-pip /opt/tradingd \
    && pip --python /opt/tradingd/bin/python install --no-cache-dir --no-index --find-links /wheels .
COPY config/paper.toml ./
RUN sed '/^state_dir/d' paper.toml > config.toml

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/tradingd --shell /usr/sbin/nologin tradingd \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/tradingd
COPY --from=build /opt/tradingd /opt/tradingd
COPY --from=build /src/config.toml /etc/tradingd/config.toml
ENV PATH=/opt/tradingd/bin:/usr/local/bin:/usr/bin:/bin \
    STATE_DIRECTORY=/var/lib/tradingd
USER 10001:10001
WORKDIR /var/lib/tradingd
VOLUME /var/lib/tradingd
STOPSIGNAL SIGTERM
# Healthy is: the daemon answers. A start waits for the venue as long as that takes, so give the first answer a minute.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["tradingd", "status", "-c", "/etc/tradingd/config.toml", "--json"]
ENTRYPOINT ["tradingd"]
CMD ["run", "-c", "/etc/tradingd/config.toml"]
