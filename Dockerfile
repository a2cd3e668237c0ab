# Two images from one recipe, scripts/setup:
#   docker build -t orthanc-ehr-bridge .                      Orthanc with the plugin, our UI and OHIF
#   docker build -t orthanc-ehr-bridge-ohif --target ohif .   nginx with OHIF alone; also the proxy of docker-compose.yml
# BASE_IMAGE is a Debian 13, or debian:forky-slim together with ORTHANC_VERSION, the version of its Orthanc (docs/supported.md).
ARG BASE_IMAGE=debian:trixie-slim
ARG ORTHANC_VERSION=1.12.7

# ---- build: the whole set-up, npm and all; only its results go on ----
FROM ${BASE_IMAGE} AS build
WORKDIR /opt/orthanc-ehr-bridge
# One by one: nothing else of a checkout (.git, var/ with patients in it, a venv of the host) can slip in.
COPY pyproject.toml ./
COPY scripts scripts
COPY ehr_bridge ehr_bridge
COPY plugin plugin
COPY migrations migrations
COPY orthanc-config orthanc-config
COPY ohif-config ohif-config
# What a checkout has built stays out as well: the image is made from sources.
RUN rm -rf plugin/web/dist plugin/web/node_modules ohif-config/dist \
 && scripts/setup --runtime \
 && rm -rf plugin/web/node_modules .build/*.log

# ---- ohif: the prepared files behind nginx ----
FROM ${BASE_IMAGE} AS ohif
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx openssl \
 && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/*
COPY --from=build /opt/orthanc-ehr-bridge/ohif-config/nginx.conf /etc/nginx/ohif.conf
COPY --from=build /opt/orthanc-ehr-bridge/ohif-config/dist /srv/ohif
USER www-data
EXPOSE 8080
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["nginx", "-e", "stderr", "-c", "/etc/nginx/ohif.conf", "-g", "daemon off;"]

# ---- app: the server ----
FROM ${BASE_IMAGE} AS app
ARG BASE_IMAGE
ARG ORTHANC_VERSION
WORKDIR /opt/orthanc-ehr-bridge
COPY --from=build /opt/orthanc-ehr-bridge ./
# Everything but the Debian packages is there already, so setup installs those and leaves npm out.
# The font is for reports in Chinese, Japanese and Korean.
RUN scripts/setup --runtime \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/* .build/*.log \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/ehr-bridge --shell /usr/sbin/nologin ehr-bridge \
 && install -d -m 0700 -o ehr-bridge -g ehr-bridge /var/lib/ehr-bridge /var/lib/ehr-bridge/images
# What the label says is what the image has, or there is no image.
RUN found=$(/usr/sbin/Orthanc --version | sed -n 's/^.*Orthanc \([0-9.]*\).*/\1/p'); [ "$found" = "$ORTHANC_VERSION" ] \
 || { echo "this base image has Orthanc $found; build with --build-arg ORTHANC_VERSION=$found" >&2; exit 1; }
LABEL org.opencontainers.image.base.name="${BASE_IMAGE}" ehr-bridge.orthanc.version="${ORTHANC_VERSION}"
USER ehr-bridge
ENV EHR_BRIDGE_BIND=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/ehr-bridge
EXPOSE 8042 4242
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["/opt/orthanc-ehr-bridge/.venv/bin/python", "-c", "import os, urllib.request as http; http.build_opener(http.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('EHR_BRIDGE_HTTP_PORT', '8042') + '/api/v1/health', timeout=4)"]
ENTRYPOINT ["/opt/orthanc-ehr-bridge/scripts/serve", "--data-dir", "/var/lib/ehr-bridge"]
