// Runs a subscription through Stripe's SDK for Node.js: `node script.mjs <url> <key> <webhook secret>`.
// Prints the values that the test compares, as JSON.
import Stripe from 'stripe';

const [url, key, secret] = process.argv.slice(2);
const { hostname: host, port } = new URL(url);
const stripe = new Stripe(key, { host, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });

const product = await stripe.products.create({ name: 'Pro' });
const price = await stripe.prices.create({
  product: product.id, currency: 'usd', unit_amount: 1200, recurring: { interval: 'month' }, lookup_key: 'node',
});
const start = 1_700_000_000;
const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start });
const customer = await stripe.customers.create({ email: 'node@example.com', test_clock: clock.id, metadata: { a: '1' } });
const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
const made = await stripe.subscriptions.create({
  customer: customer.id, items: [{ price: price.id }], trial_period_days: 3, metadata: { click: '1' },
});
const canceled = await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
const resumed = await stripe.subscriptions.update(made.id, { cancel_at_period_end: false });
await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: start + 3 * 86_400 + 3_600 });
const active = await stripe.subscriptions.retrieve(made.id, { expand: ['latest_invoice.payments'] });
const session = await stripe.checkout.sessions.create({
  mode: 'subscription', line_items: [{ price: price.id, quantity: 1 }], success_url: 'http://127.0.0.1/done',
});
const portal = await stripe.billingPortal.sessions.create({ customer: customer.id });
const charges = await stripe.charges.list({ customer: customer.id });
const refund = await stripe.refunds.create({ charge: charges.data[0].id, amount: 200 });
const events = [];
for await (const event of stripe.events.list({ types: ['invoice.paid', 'customer.subscription.updated'], limit: 2 })) {
  events.push(event.type);
}
let refused;
try {
  await stripe.customers.retrieve('cus_none');
} catch (error) {
  refused = [error.type, error.code, error.statusCode];
}
const body = JSON.stringify({ id: 'evt_1', object: 'event' });
const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret });
stripe.webhooks.constructEvent(body, header, secret);

console.log(JSON.stringify({
  statuses: [made.status, canceled.cancel_at_period_end, resumed.cancel_at_period_end, active.status],
  paid: active.latest_invoice.amount_paid,
  payments: active.latest_invoice.payments.data.length,
  session: session.status,
  portal: portal.object,
  refund: [refund.status, refund.amount],
  events: events.sort(),
  refused,
}));
