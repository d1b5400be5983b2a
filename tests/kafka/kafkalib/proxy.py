"""A network that can be cut: a TCP proxy between a client and one broker.

A broker tells its clients where to find it, so a client that comes through the proxy
would go around it from then on.  Therefore a broker has a second listener whose
advertised address is the proxy's.
"""

import contextlib
import socket
import struct
import threading

CHUNK_BYTES = 65536
CONNECT_SECONDS = 10
# close() sends a reset instead of waiting for what is still unsent.
RESET = struct.pack("ii", 1, 0)

TO_BROKER = "to_broker"
TO_CLIENT = "to_client"


class CutProxy:
    """Forwards 127.0.0.1:port to 127.0.0.1:target until told otherwise.

    cut()     ends all connections at once, and new ones as soon as they are made
    stall()   keeps connections and forwards nothing: in both directions, or in one.
              stall(TO_CLIENT) lets requests through and holds answers back: the broker
              does what it is asked, and the client cannot know
    heal()    forwards again, what was held back first
    """

    def __init__(self):
        self.target = None
        self.bytes = {TO_BROKER: 0, TO_CLIENT: 0}
        self._change = threading.Condition()
        self._is_cut = False
        self._stalled = frozenset()
        self._closing = False
        self._pairs = set()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"proxy {self.port}", daemon=True).start()

    @property
    def connections(self):
        """How many connections go through it now."""
        with self._change:
            return len(self._pairs)

    def cut(self):
        with self._change:
            self._is_cut = True
            pairs = list(self._pairs)
            self._change.notify_all()
        for pair in pairs:
            self._reset(pair)

    def stall(self, *directions):
        with self._change:
            self._stalled = frozenset(directions or (TO_BROKER, TO_CLIENT))

    def heal(self):
        with self._change:
            self._is_cut = False
            self._stalled = frozenset()
            self._change.notify_all()

    def close(self):
        with self._change:
            self._closing = True
            self._change.notify_all()
        # accept() returns only when somebody shuts the socket down.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    # --- threads -----------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        try:
            broker = socket.create_connection(("127.0.0.1", self.target), CONNECT_SECONDS)
        except OSError:
            self._reset((client,))
            return
        broker.settimeout(None)
        for end in (client, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, broker)
        with self._change:
            is_open = not self._is_cut and not self._closing
            if is_open:
                self._pairs.add(pair)
        if not is_open:
            self._reset(pair)
            return
        threading.Thread(
            target=self._pump, args=(pair, client, broker, TO_BROKER), daemon=True
        ).start()
        self._pump(pair, broker, client, TO_CLIENT)

    def _pump(self, pair, source, sink, direction):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                with self._change:
                    while direction in self._stalled and not self._is_cut and not self._closing:
                        self._change.wait()
                    if self._is_cut or self._closing:
                        break
                    self.bytes[direction] += len(data)
                sink.sendall(data)
        self._reset(pair)

    def _reset(self, pair):
        with self._change:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                # Wakes the thread that reads from it; close() alone does not.
                end.shutdown(socket.SHUT_RDWR)
            end.close()
