from __future__ import annotations

import pytest

from tools.errors import UserError
from tools.vision.address import check_address


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8:80", "localhost:8000", "[::1]:8000", "[::ffff:127.0.0.1]"]
)
def test_this_machine_needs_no_consent(host: str) -> None:
    assert check_address(f"http://{host}/v1", pixels_may_leave=False)


@pytest.mark.parametrize("host", ["192.168.1.5:8000", "10.0.0.2", "gpu", "example.org", "8.8.8.8"])
def test_pixels_leave_this_machine_only_with_consent(host: str) -> None:
    with pytest.raises(UserError, match="HOOFBEAT_PIXELS_MAY_LEAVE=true"):
        check_address(f"https://{host}/v1", pixels_may_leave=False)
    assert not check_address(f"https://{host}/v1", pixels_may_leave=True)


@pytest.mark.parametrize(
    ("host", "is_accepted"),
    [
        ("192.168.1.5:8000", True),
        ("100.64.0.1", True),
        ("[fd00::1]", True),
        ("gpu:8000", True),
        ("vllm.ward.svc.cluster.local", True),
        ("8.8.8.8", False),
        ("[::ffff:8.8.8.8]", False),
        ("example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_plain_http_is_for_private_networks(host: str, is_accepted: bool) -> None:
    url = f"http://{host}/v1"
    if is_accepted:
        assert not check_address(url, pixels_may_leave=True)
    else:
        with pytest.raises(UserError, match=r"unencrypted.*https"):
            check_address(url, pixels_may_leave=True)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://h/v1", "http://", "http://h:x/v1", "http://[::1/v1",
            "http://h/v1?key=1", "http://me:secret@127.0.0.1/v1"],
)  # fmt: skip
def test_what_is_no_address_names_its_setting_and_quotes_nothing(url: str) -> None:
    with pytest.raises(UserError, match="HOOFBEAT_VISION_BASE_URL") as caught:
        check_address(url, pixels_may_leave=False)
    assert "secret" not in str(caught.value)
