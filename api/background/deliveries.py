"""Delivers webhooks: reads the log from where each stands, posts, and remembers."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from api.background.addresses import Lookup, UrlRefused, looked_up, pinned
from api.background.events import Notice, wanted
from api.background.sealing import SealBroken
from api.background.webhooks import Subscription, Subscriptions, SubscriptionUnknown, signed_headers
from ledger.store.feed import Feed, Recorded

POLL_S = 1.0
BATCH_EVENTS_MAX = 200
DELIVERY_S = 10.0
"""A whole delivery takes at most this long, however slowly its receiver answers."""
GONE = 410

log = logging.getLogger("nuanzhang.webhooks")


@dataclass(frozen=True, slots=True)
class Line:
    """What deliveries go out by: how names are looked up, and whom TLS believes."""

    lookup: Lookup = looked_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    total_s: float = DELIVERY_S


class Deliveries:
    """Posts to every subscription what it asked for, in the log's order, one event at a time."""

    def __init__(
        self,
        feed: Feed,
        subscriptions: Subscriptions,
        now_s: Callable[[], int],
        jitter: Callable[[], float],
        line: Line | None = None,
    ) -> None:
        self._feed = feed
        self._subscriptions = subscriptions
        self._now_s = now_s
        self._jitter = jitter
        self._line = line or Line()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="webhooks", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Let go of what is being delivered: what was not taken is delivered when we are back."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    async def deliver(self) -> None:
        """Deliver once what is due, to all at the same time: nobody waits for a slow receiver."""
        due = self._subscriptions.due(self._now_s())
        delivering = (self._deliver_to(each) for each in due)
        # All have ended before one of them counts as failed: the next round would ask again for
        # what is under way.
        for failed in await asyncio.gather(*delivering, return_exceptions=True):
            if failed is not None:
                raise failed

    async def _run(self) -> None:
        while not self._stopping.is_set():
            delivering = asyncio.ensure_future(self.deliver())
            while not delivering.done():
                await asyncio.wait([delivering], timeout=POLL_S / 4)
                if self._stopping.is_set():
                    delivering.cancel()
            if not delivering.cancelled() and (error := delivering.exception()) is not None:
                log.error("webhooks cannot be delivered: %s", type(error).__name__)
            await asyncio.to_thread(self._stopping.wait, POLL_S)

    async def _deliver_to(self, each: Subscription) -> None:
        batch = self._feed.read(each.next_position, BATCH_EVENTS_MAX)
        skipped_to = each.next_position
        for recorded in batch:
            if self._stopping.is_set():
                return
            if wanted(recorded.event.TOPIC, each.topics):
                if not await self._deliver_one(each, recorded):
                    return
            else:
                skipped_to = recorded.position + 1
        if batch and skipped_to == batch[-1].position + 1:
            self._subscriptions.passed(each, skipped_to)

    async def _deliver_one(self, each: Subscription, recorded: Recorded) -> bool:
        """Post one event; return whether it was taken."""
        try:
            async with asyncio.timeout(self._line.total_s):
                status = await self._post(each, recorded)
        except SubscriptionUnknown:  # deleted meanwhile
            return False
        except (UrlRefused, SealBroken) as refusal:
            outcome, status = refusal.code, None
        except TimeoutError:
            outcome, status = "timed out", None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError):
            outcome, status = "unreachable", None
        else:
            outcome = f"answered {status}"
        now_s = self._now_s()
        if status is not None and httpx2.codes.is_success(status):
            self._subscriptions.delivered(each, recorded.position, outcome, now_s)
            return True
        self._subscriptions.failed(each, outcome, now_s, self._jitter(), gone=status == GONE)
        return False

    async def _post(self, each: Subscription, recorded: Recorded) -> int:
        """Post to the very address that was looked at; what is answered beside the status is left.

        Raises:
            UrlRefused: Its name leads where webhooks do not go.
            OSError, httpx2.HTTPError: It cannot be reached.
        """
        body = Notice.of(recorded).encoded()
        message_id = f"msg_{each.subscription_id}_{recorded.position}"
        secret = self._subscriptions.secret_of(each.subscription_id)
        address = await pinned(each.url, self._line.lookup, inside=self._subscriptions.inside)
        parts = urlsplit(each.url)
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": "nuanzhang-webhooks",
            **signed_headers(secret, message_id, self._now_s(), body),
        }
        # No proxy of the environment, no redirects: either would lead elsewhere.
        async with (
            httpx2.AsyncClient(
                verify=self._line.tls, trust_env=False, follow_redirects=False
            ) as client,
            client.stream(
                "POST",
                httpx2.URL(each.url).copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": parts.hostname or ""},
            ) as answer,
        ):
            return answer.status_code
