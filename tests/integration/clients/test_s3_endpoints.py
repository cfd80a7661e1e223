"""Where the S3 client sends its requests, by region."""

from __future__ import annotations

import boto3
import pytest
from botocore.session import Session

from preppath_workers.clients.s3.client import Storage
from preppath_workers.clients.s3.credentials import SERVICES
from preppath_workers.clients.s3.descriptions import Descriptions
from preppath_workers.config.model import StorageConfig

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


@pytest.mark.parametrize(
    ("bucket", "region", "url"),
    [
        ("preppath-audio", "eu-central-1", "https://preppath-audio.s3.eu-central-1.amazonaws.com/key"),
        ("preppath-audio", "me-south-1", "https://preppath-audio.s3.me-south-1.amazonaws.com/key"),
        ("preppath-audio", "us-east-1", "https://preppath-audio.s3.amazonaws.com/key"),
        ("preppath-audio", "cn-north-1", "https://preppath-audio.s3.cn-north-1.amazonaws.com.cn/key"),
        ("preppath.audio", "eu-central-1", "https://s3.eu-central-1.amazonaws.com/preppath.audio/key"),
    ],
)
def test_signed_url_leads_to_the_region_of_the_bucket(bucket: str, region: str, url: str) -> None:
    storage = Storage(StorageConfig(bucket, None, region, "test", "test"))
    assert storage.signed_url("key").partition("?")[0] == url
