import type { Customer as C } from './node_modules/stripe/esm/resources/Customers.js';
import type { Subscription as S } from './node_modules/stripe/esm/resources/Subscriptions.js';
import type { Invoice as I } from './node_modules/stripe/esm/resources/Invoices.js';
import type { InvoicePayment as IP } from './node_modules/stripe/esm/resources/InvoicePayments.js';
import type { Price as P } from './node_modules/stripe/esm/resources/Prices.js';
import type { Product as PR } from './node_modules/stripe/esm/resources/Products.js';
import type { PaymentMethod as PM } from './node_modules/stripe/esm/resources/PaymentMethods.js';
import type { PaymentIntent as PI } from './node_modules/stripe/esm/resources/PaymentIntents.js';
import type { SetupIntent as SI } from './node_modules/stripe/esm/resources/SetupIntents.js';
import type { Charge as CH } from './node_modules/stripe/esm/resources/Charges.js';
import type { Refund as R } from './node_modules/stripe/esm/resources/Refunds.js';
import type { Session as CS } from './node_modules/stripe/esm/resources/Checkout/Sessions.js';
import type { Session as BS } from './node_modules/stripe/esm/resources/BillingPortal/Sessions.js';
import type { TestClock as TC } from './node_modules/stripe/esm/resources/TestHelpers/TestClocks.js';
import type { EventBase as E } from './node_modules/stripe/esm/resources/Events.js';
export interface Root { customer: C; subscription: S; invoice: I; invoice_payment: IP; price: P; product: PR; payment_method: PM; payment_intent: PI; setup_intent: SI; charge: CH; refund: R; checkout_session: CS; portal_session: BS; test_clock: TC; event: E }
