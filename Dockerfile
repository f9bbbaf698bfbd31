# The stock nginx image with the module in it.
#
#     docker build -t argo .
#     docker run -e ARGO_USER=jdoe -p 127.0.0.1:44497:44497 argo
#
# A module fits only the nginx whose headers it was compiled with.  The stock
# image carries nginx.org's binary, which no Debian package has headers for;
# so the first stage compiles against the sources of that very version, whose
# number the image has in NGINX_VERSION.  Both stages must be the same image.

ARG NGINX_IMAGE=nginx:1.30


FROM ${NGINX_IMAGE} AS build

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        gcc libc6-dev make libpcre2-dev libssl-dev zlib1g-dev libyajl-dev \
        ca-certificates nodejs npm

ADD https://nginx.org/download/nginx-${NGINX_VERSION}.tar.gz /usr/src/

COPY config Makefile ngx_http_argo_module.c /usr/src/argo/
COPY src /usr/src/argo/src
COPY tools /usr/src/argo/tools
COPY conf-examples /usr/src/argo/conf-examples
COPY docs /usr/src/argo/docs
COPY README.md LICENSE /usr/src/argo/

RUN tar -xzf /usr/src/nginx-${NGINX_VERSION}.tar.gz -C /usr/src \
    && make -C /usr/src/argo install \
        NGINX_SRC=/usr/src/nginx-${NGINX_VERSION} DESTDIR=/usr/src/image


FROM ${NGINX_IMAGE}

RUN apt-get update \
    && apt-get install -y --no-install-recommends libyajl2 ca-certificates \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /usr/src/image/usr/lib/nginx/modules /usr/lib/nginx/modules
COPY --from=build /usr/src/image/etc/nginx/argo /etc/nginx/argo
COPY --from=build /usr/src/argo/conf-examples/container.conf /etc/nginx/argo/

# the configuration must be one that this nginx accepts; where the image is
# built, ARGO's name may be unknown
RUN sed -e 's/\${ARGO_USER}/jdoe/' -e 's/server apps[.a-z]*/server 127.0.0.1/' \
        /etc/nginx/argo/container.conf > /tmp/nginx.conf \
    && nginx -t -c /tmp/nginx.conf \
    && rm -rf /tmp/nginx*

ENV ARGO_USER=

EXPOSE 44497

USER nginx

HEALTHCHECK --interval=30s --timeout=3s --start-period=5s \
    CMD curl -fsS http://127.0.0.1:44497/health

CMD ["/bin/sh", "-c", \
     "envsubst '$ARGO_USER' < /etc/nginx/argo/container.conf \
        > /tmp/nginx.conf \
     && exec nginx -e stderr -c /tmp/nginx.conf -g 'daemon off;'"]
