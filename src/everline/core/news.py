"""Hears what the database announces on a channel: one thread per process listens, and wakes who waits."""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import sql

logger = logging.getLogger(__name__)

#: How long, in seconds, one wait lasts before the thread looks whether anybody is left to listen for.
_WAIT = 0.5
_IDLE_WAITS = 60
_PAUSE_AFTER_ERROR = 2.0


class Listener:
    """Runs while somebody listens, and half a minute longer. Has a connection of its own, outside the pool.

    `channel` is what triggers NOTIFY; the payload is the topic that somebody may wait for. It only wakes:
    whoever listens reads what is true, and reads again now and then in case news got lost.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = defaultdict(set)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        #: Whether news have arrived on the connection that is open.
        self.has_heard = False

    @contextmanager
    def listening(self, topic: str) -> Iterator[threading.Event]:
        """An event that is set whenever there is news of the topic."""
        news = threading.Event()
        with self._lock:
            self._waiting[topic].add(news)
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name=f"news-{self._channel}", daemon=True)
                self._thread.start()
        try:
            yield news
        finally:
            with self._lock:
                self._waiting[topic].discard(news)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def stop(self) -> None:
        """End the thread and give its connection back."""
        thread = self._thread
        self._stopping.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._listen():
                    return
            except (psycopg.Error, OSError) as error:
                self.has_heard = False
                logger.warning("listening on %s failed, streams poll meanwhile: %s", self._channel, error)
                self._stopping.wait(_PAUSE_AFTER_ERROR)
        self._leave()

    def _listen(self) -> bool:
        """Listen until nobody is left; True when the thread has left."""
        parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
        with psycopg.connect(**{**parameters, "autocommit": True}) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            idle = 0
            while not self._stopping.is_set():
                for notice in connection.notifies(timeout=_WAIT):
                    self._wake(notice.payload)
                    if self._stopping.is_set():
                        break
                with self._lock:
                    idle = 0 if self._waiting else idle + 1
                    if idle > _IDLE_WAITS:
                        self._thread = None
                        self.has_heard = False
                        return True
        return False

    def _leave(self) -> None:
        with self._lock:
            self._thread = None
            self.has_heard = False

    def _wake(self, topic: str) -> None:
        self.has_heard = True
        with self._lock:
            for news in self._waiting.get(topic, ()):
                news.set()
