"""Runs a subscription through Stripe's SDK for Python: `script.py <url> <key> <webhook secret>`.

Prints the values that the test compares, as JSON."""

import json
import sys

import stripe

url, key, secret = sys.argv[1:4]
client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
v1 = client.v1
START = 1_700_000_000

product = v1.products.create({"name": "Pro"})
price = v1.prices.create(
    {
        "product": product.id,
        "currency": "usd",
        "unit_amount": 1200,
        "recurring": {"interval": "month"},
        "lookup_key": "python",
    }
)
clock = v1.test_helpers.test_clocks.create({"frozen_time": START})
customer = v1.customers.create({"email": "python@example.com", "test_clock": clock.id, "metadata": {"a": "1"}})
method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
made = v1.subscriptions.create(
    {
        "customer": customer.id,
        "items": [{"price": price.id}],
        "trial_period_days": 3,
        "metadata": {"click": "1"},
    }
)
canceled = v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
resumed = v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + 3 * 86_400 + 3_600})
active = v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice.payments"]})
session = v1.checkout.sessions.create(
    {
        "mode": "subscription",
        "line_items": [{"price": price.id, "quantity": 1}],
        "success_url": "http://127.0.0.1/done",
    }
)
portal = v1.billing_portal.sessions.create({"customer": customer.id})
charges = v1.charges.list({"customer": customer.id})
refund = v1.refunds.create({"charge": charges.data[0].id, "amount": 200})
events = v1.events.list({"types": ["invoice.paid", "customer.subscription.updated"], "limit": 2})
try:
    v1.customers.retrieve("cus_none")
    refused = None
except stripe.InvalidRequestError as error:
    refused = ["StripeInvalidRequestError", error.code, error.http_status]

print(
    json.dumps(
        {
            "statuses": [made.status, canceled.cancel_at_period_end, resumed.cancel_at_period_end, active.status],
            "paid": active.latest_invoice.amount_paid,
            "payments": len(active.latest_invoice.payments.data),
            "session": session.status,
            "portal": portal.object,
            "refund": [refund.status, refund.amount],
            "events": sorted(event.type for event in events.auto_paging_iter()),
            "refused": refused,
        }
    )
)
