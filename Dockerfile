# One image for every role: docker run starling:local <role>; `starling --help` lists them.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run -s build && npm prune --omit=dev

FROM node:22-bookworm-slim
# ffmpeg for the ingest and the test card; redis-server for `studio`, which brings its own.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg redis-server \
  && rm -rf /var/lib/apt/lists/* \
  # A new named volume takes over the owner of the folder that it covers.
  && mkdir -p /data/media /data/keys && chown -R node:node /data \
  && ln -s /app/bin/starling.js /usr/local/bin/starling
WORKDIR /app
ENV NODE_ENV=production STARLING_DATA_DIR=/data
COPY --from=build /app/package.json ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
VOLUME /data
EXPOSE 1935/tcp 8080/tcp
ENTRYPOINT ["starling"]
CMD ["studio"]
