"""Where the S3 client sends its requests, by region."""

from __future__ import annotations

import boto3
import pytest
from botocore.session import Session

from preppath_workers.clients.s3.credentials import SERVICES
from preppath_workers.clients.s3.descriptions import Descriptions

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.mark.parametrize("service", ["s3", *SERVICES])
def test_client_with_a_part_of_the_descriptions_has_the_same_endpoints(service: str) -> None:
    everything = boto3.session.Session()
    part = Session()
    part.register_component("data_loader", Descriptions())
    ours = boto3.session.Session(botocore_session=part)
    for partition in everything.get_available_partitions():
        for region in [*everything.get_available_regions("s3", partition), "eu-unknown-9"]:
            urls = [
                made.client(service, region_name=region, **KEYS).meta.endpoint_url
                for made in (ours, everything)
            ]
            assert urls[0] == urls[1], region
