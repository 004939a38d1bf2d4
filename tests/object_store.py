"""An object store as people have one: S3's API on a port of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer


@contextmanager
def bucket() -> Iterator[str]:
    """Run a server with a bucket; its URL, and the environment that says how it is reached."""
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    known = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    before = {key: os.environ.get(key) for key in known}
    os.environ.update(known)
    boto3.client("s3", endpoint_url=known["AWS_ENDPOINT_URL"]).create_bucket(Bucket="outputs")
    try:
        yield "s3://outputs/lab"
    finally:
        for key, value in before.items():
            os.environ.pop(key)
            if value is not None:
                os.environ[key] = value
        server.stop()
