# One image for web, worker and the commands. Nothing is compiled: dlib comes prebuilt.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes -r requirements.txt

# WeChat's component framework, with which the simulated WeChat runs the mini-program.
FROM node:22-bookworm-slim AS phone
WORKDIR /node
COPY sandbox/phone/package.json sandbox/phone/package-lock.json sandbox/phone/.npmrc ./
RUN npm ci --ignore-scripts

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin caiji
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=phone /node .venv/node
COPY imagecheck imagecheck
COPY models models
COPY server server
COPY sandbox sandbox
COPY miniprogram miniprogram
COPY wsgi.py gunicorn.conf.py .flaskenv ./
ARG REVISION=""
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CAIJI_REVISION=$REVISION CAIJI_DATA_DIR=/tmp/caiji HOME=/tmp
USER 10001
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "wsgi:app"]
