# The service listens on every address of the container, and it refuses to start on a non-loopback host without
# keys. So the image starts only with SOCKEYE_API_KEYS set:
#
#   docker build -t sockeye .
#   docker run --rm -p 127.0.0.1:3000:3000 -e SOCKEYE_API_KEYS sockeye

FROM node:24-bookworm-slim AS build
WORKDIR /app
# .npmrc turns install scripts off, and belongs to the lock file.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    SOCKEYE_HOST=0.0.0.0 \
    SOCKEYE_PORT=3000 \
    SOCKEYE_DATA_DIR=/data
WORKDIR /app
# What is declared before VOLUME keeps its owner: a fresh volume at /data belongs to node.
RUN install -d -o node -g node /data
VOLUME /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000

# With keys configured every request needs one, this one too: it sends the first. No shell and no curl needed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "dist/healthcheck.js"]

# node itself is process 1, without npm or a shell in between: SIGTERM reaches it, and it drains before it exits.
CMD ["node", "dist/main.js"]
