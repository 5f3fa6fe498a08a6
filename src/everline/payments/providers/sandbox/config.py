"""Where the sandbox's payment provider is and how it knows us: files of the data folder, read at each use.

The sandbox may come up later than the shop and move to another port after a restart.
"""

from dataclasses import dataclass

from everline.core import sandbox_link

NAME = "sandbox"
PREFIX = "/provider/v1"
SIGNATURE_HEADER = "Sandbox-Signature"
METHODS = frozenset({"card", "paypal", "apple_pay", "google_pay", "alipay", "wechat_pay"})
#: Seconds to wait for an answer before the outcome counts as unknown.
READ_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Config:
    """One sandbox: its address without a slash at the end, our key there, its webhooks' secret."""

    base_url: str
    api_key: str
    webhook_secret: str


def load() -> Config:
    """The sandbox of this data folder.

    Raises:
        SandboxMissing: none was started, or it does not answer yet.
    """
    token = sandbox_link.token()
    return Config(
        base_url=sandbox_link.base_url(),
        api_key=sandbox_link.api_key(token),
        webhook_secret=sandbox_link.webhook_secret(token),
    )
