"""Sends events with Amplitude's Python SDK to the server in the first argument.

Prints the result of each event as JSON.
"""

import json
import sys
from threading import Condition

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify, Revenue

url, api_key = sys.argv[1:]
results = []
settled = Condition()


def note(event, code, message):
    with settled:
        results.append({"code": code, "event_type": event.event_type, "message": message})
        settled.notify()


def run(path, events, **options):
    client = Amplitude(api_key, Config(server_url=url + path, flush_interval_millis=50, callback=note, **options))
    with settled:
        wanted = len(results) + events(client)
        # A shutdown drops events that wait for their next attempt.
        settled.wait_for(lambda: len(results) >= wanted, timeout=60)
    client.shutdown()


def http_v2(client):
    """Tracks events and returns their number."""
    ids = EventOptions(user_id="python-user", device_id="python-device")
    client.track(
        BaseEvent(
            "Python event",
            user_id="python-user",
            device_id="python-device",
            session_id=1700000000000,
            event_properties={"amount": 3, "tags": ["a", "b"]},
        )
    )
    client.identify(Identify().set("plan", "pro").set_once("since", "2023").add("logins", 2), ids)
    client.revenue(Revenue(price=12.0, quantity=2, product_id="pro"), ids)
    client.track(BaseEvent("Short ID", user_id="abc", device_id="python-device"))
    return 4


def batch(client):
    client.track(BaseEvent("Python batch event", user_id="python-user"))
    return 1


run("/2/httpapi", http_v2)
run("/batch", batch, use_batch=True)
print(json.dumps(results))
