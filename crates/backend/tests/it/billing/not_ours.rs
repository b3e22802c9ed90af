//! Webhooks of other products in the same Stripe account, of the other mode, and how many calls each webhook costs.

use backend::billing::Billing;
use backend::billing::inbox::{InboxSettings, NotOursReason, Received, Worker};
use backend::config::Config;
use db::testing::engines;
use outbox::Wakeup;
use serde_json::{Value, json};
use tracking::PlanInterval::Month;

use super::environment::{Environment, SECRETS, billing_at, receive};
use super::fault_proxy::FaultProxy;
use super::stand_in::{GOOD_CARD, text};
use crate::support::{DAY, MINUTE};

/// Creates a paying customer of another product. Returns the customer's ID.
async fn foreign_customer(env: &Environment) -> String {
    let product = env
        .stripe
        .post("/v1/products", &[("name", "Another product")])
        .await;
    let price = [
        ("product", text(&product, "id")),
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
    ];
    let price = env.stripe.post("/v1/prices", &price).await;
    let customer = [
        ("email", "eve@example.com"),
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    let customer = env.stripe.post("/v1/customers", &customer).await;
    let customer = text(&customer, "id").to_owned();
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", text(&price, "id")),
    ];
    env.stripe.post("/v1/subscriptions", &form).await;
    customer
}

/// Delivers all new webhooks and applies them, also much later. Returns their number.
async fn deliver_late(env: &mut Environment, worker: &Worker) -> usize {
    let webhooks = env.new_webhooks().await;
    for webhook in &webhooks {
        env.receive(webhook).await.unwrap();
    }
    for _ in 0..30 {
        worker.drain().await.unwrap();
        env.advance(5 * MINUTE);
    }
    webhooks.len()
}

/// Case 13.
#[tokio::test]
async fn case_13_webhooks_of_another_product_are_counted_and_neither_kept_nor_fetched() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let worker = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());
        let stored = env.store.count("stripe_inbox").await;
        let counted = async |env: &Environment| {
            let counts = env.billing.not_ours().await.unwrap();
            usize::try_from(counts.iter().map(|count| count.webhooks).sum::<i64>()).unwrap()
        };
        let before = counted(&env).await;

        let eve = foreign_customer(&env).await;
        let charge = env.stripe.all(&format!("/v1/charges?customer={eve}")).await;
        env.stripe.refund(&eve, Some("100")).await;
        let dispute = env.stripe.dispute(text(&charge[0], "id")).await;
        env.stripe.close_dispute(&dispute, false).await;
        let received = deliver_late(&mut env, &worker).await;
        assert!(received > 8, "{engine:?}: {received}");
        assert_eq!(
            env.store.count("stripe_inbox").await,
            stored,
            "{engine:?}: none is kept"
        );
        assert_eq!(
            counted(&env).await - before,
            received,
            "{engine:?}: each is counted"
        );
        let reasons: Vec<_> = env.billing.not_ours().await.unwrap();
        for kind in [
            "customer.subscription.created",
            "invoice.paid",
            "refund.created",
            "charge.dispute.closed",
        ] {
            let count = reasons.iter().find(|count| count.event_type == kind);
            assert_eq!(
                count.map(|count| (count.reason, count.webhooks)),
                Some((NotOursReason::UnknownCustomer, 1)),
                "{engine:?} {kind}"
            );
        }
        let fetched: Vec<_> = proxy.requests();
        let catalog = ["/v1/prices", "/v1/billing_portal/configurations"];
        assert!(
            fetched.iter().all(|path| catalog.contains(&path.as_str())) && fetched.len() <= 2,
            "{engine:?}: {fetched:?}"
        );
        let counts = env.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{engine:?}");
    }
}

/// Case 13: our customer buys another product of the same company.
#[tokio::test]
async fn case_13_another_product_of_our_customer_is_not_ours() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let (names, customer) = (env.names(&ada).await, env.customer(&ada).await);
        let product = env
            .stripe
            .post("/v1/products", &[("name", "Another product")])
            .await;
        let price = [
            ("product", text(&product, "id")),
            ("currency", "usd"),
            ("unit_amount", "500"),
            ("recurring[interval]", "month"),
        ];
        let price = env.stripe.post("/v1/prices", &price).await;
        let form = [
            ("customer", customer.as_str()),
            ("items[0][price]", text(&price, "id")),
        ];
        env.stripe.post("/v1/subscriptions", &form).await;
        env.deliver().await;
        let counts = env.billing.not_ours().await.unwrap();
        for kind in ["customer.subscription.created", "invoice.paid"] {
            let found = counts
                .iter()
                .any(|count| count.event_type == kind && count.reason == NotOursReason::OtherProduct);
            assert!(found, "{engine:?} {kind}: {counts:?}");
        }
        assert_eq!(env.names(&ada).await, names, "{engine:?}");
        let invoices = env.overview(&ada).await.invoices;
        assert_eq!(invoices.len(), 1, "{engine:?}: {invoices:?}");
    }
}

/// The webhooks of our own customer can arrive before our record of the customer.
#[tokio::test]
async fn case_13_webhooks_that_name_our_account_or_product_are_kept_for_an_unknown_customer() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        env.store.execute("DELETE FROM stripe_customers").await;
        let webhooks = env.new_webhooks().await;
        let mut kept = 0;
        for webhook in &webhooks {
            let is_new = env.receive(webhook).await.unwrap() == Received::New;
            kept += usize::from(is_new);
            let kind = text(webhook, "type");
            let is_expected = kind.starts_with("customer.subscription.") || kind == "invoice.paid";
            assert!(is_new || !is_expected, "{engine:?} {kind}");
        }
        assert!(kept >= 2, "{engine:?}");

        // Another installation with the same catalog: its account does not exist here.
        let mut foreign = webhooks
            .iter()
            .find(|webhook| webhook["type"] == "customer.subscription.created")
            .unwrap()
            .clone();
        foreign["id"] = json!("evt_foreign");
        foreign["data"]["object"]["metadata"]["seam_user"] = json!("0190a000-0000-7000-8000-000000000001");
        assert_eq!(
            env.receive(&foreign).await.unwrap(),
            Received::NotOurs(NotOursReason::UnknownCustomer),
            "{engine:?}"
        );
    }
}

/// Case 16.
#[tokio::test]
async fn case_16_a_webhook_of_the_other_mode_is_refused() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        let webhooks = env.new_webhooks().await;
        let config = Config::read(|name| match name {
            "STRIPE_SECRET_KEY" => Some("sk_live_0123456789".to_owned()),
            "STRIPE_WEBHOOK_SECRETS" => Some(SECRETS.join(",")),
            "AMPLITUDE_API_KEY" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "SMTP_URL" => Some("smtps://user:password@mail.example.com".to_owned()),
            "MAIL_FROM" => Some("Seamline <post@example.com>".to_owned()),
            "TRUSTED_PROXIES" => Some("127.0.0.1".to_owned()),
            "COOKIE_KEY" => Some("0123456789abcdef".repeat(8)),
            "PUBLIC_URL" => Some("https://polls.example.com/".to_owned()),
            _ => None,
        })
        .unwrap();
        let live = Billing::new(
            &config,
            env.store.test.db.clone(),
            env.store.clock.clone(),
            Wakeup::new(),
        )
        .unwrap();
        let now_ms = env.store.clock.now_ms();
        let refused = Received::NotOurs(NotOursReason::OtherMode);
        for webhook in &webhooks {
            assert_eq!(webhook["livemode"], json!(false));
            let received = receive(&live, &webhook.to_string(), now_ms).await.unwrap();
            assert_eq!(received, refused, "{engine:?}: a test event of a live site");
            let mut of_live = webhook.clone();
            of_live["livemode"] = json!(true);
            assert_eq!(
                env.receive(&of_live).await.unwrap(),
                refused,
                "{engine:?}: a live event of a test site"
            );
        }
        assert_eq!(env.store.count("stripe_inbox").await, 0, "{engine:?}");
        env.worker.drain().await.unwrap();
        assert_eq!(env.names(&ada).await, [""; 0], "{engine:?}");
    }
}

/// Issue 12: at most two calls for each webhook, and for all waiting webhooks of a customer.
#[tokio::test]
async fn webhooks_of_a_customer_are_applied_together_with_two_calls() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let worker = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        let mut stored = 0;
        for webhook in env.new_webhooks().await {
            stored += usize::from(env.receive(&webhook).await.unwrap() == Received::New);
        }
        // The catalog is read once for each process.
        assert_eq!(worker.drain().await.unwrap().applied, stored, "{engine:?}");
        let catalog = |path: &String| path == "/v1/prices" || path == "/v1/billing_portal/configurations";
        let calls: Vec<_> = proxy
            .requests()
            .into_iter()
            .filter(|path| !catalog(path))
            .collect();
        assert_eq!(calls.len(), 2, "{engine:?}: for {stored} webhooks: {calls:?}");

        env.give_card(&ada, GOOD_CARD).await;
        stored = 0;
        for _ in 0..5 {
            env.advance(DAY);
            for webhook in env.new_webhooks().await {
                stored += usize::from(env.receive(&webhook).await.unwrap() == Received::New);
            }
        }
        let customer = env.customer(&ada).await;
        assert!(stored >= 2, "{engine:?}: {stored}");
        assert_eq!(worker.drain().await.unwrap().applied, stored, "{engine:?}");
        assert_eq!(proxy.requests().len(), 2, "{engine:?}: for {stored} webhooks");

        // Refunds and disputes too. A dispute names only its payment.
        env.stripe.refund(&customer, Some("100")).await;
        let charges = env.stripe.all(&format!("/v1/charges?customer={customer}")).await;
        let dispute = env.stripe.dispute(text(&charges[0], "id")).await;
        env.stripe.close_dispute(&dispute, false).await;
        let webhooks = env.new_webhooks().await;
        let mut kinds = Vec::new();
        for webhook in &webhooks {
            if env.receive(webhook).await.unwrap() == Received::New {
                kinds.push(text(webhook, "type"));
                assert_eq!(worker.drain().await.unwrap().applied, 1, "{engine:?} {kinds:?}");
                let calls = proxy.requests();
                assert_eq!(calls.len(), 2, "{engine:?} {kinds:?}: {calls:?}");
            }
        }
        assert!(kinds.contains(&"charge.dispute.closed"), "{engine:?}: {kinds:?}");
        let names = env.names(&ada).await;
        assert_eq!(
            names.iter().map(String::as_str).collect::<Vec<_>>(),
            [
                "Trial started",
                "Trial converted",
                "Subscription refund",
                "Subscription dispute"
            ],
            "{engine:?}"
        );
    }
}

/// An installation that was updated has paid invoices without their payments.
#[tokio::test]
async fn a_dispute_of_an_invoice_that_was_recorded_without_its_payment_is_found() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        env.store.execute("DELETE FROM invoice_payments").await;
        env.store
            .execute("UPDATE paid_invoices SET has_payments = 0")
            .await;
        let customer = env.customer(&ada).await;
        let charges = env.stripe.all(&format!("/v1/charges?customer={customer}")).await;
        let dispute = env.stripe.dispute(text(&charges[0], "id")).await;
        env.stripe.close_dispute(&dispute, false).await;
        env.deliver().await;
        assert_eq!(
            env.names(&ada).await.last().unwrap(),
            "Subscription dispute",
            "{engine:?}"
        );
        assert_eq!(
            env.store.count("paid_invoices WHERE has_payments = 0").await,
            0,
            "{engine:?}"
        );
    }
}

/// A dispute that overtakes the webhook of its payment waits for it, and is not fetched meanwhile.
#[tokio::test]
async fn a_dispute_waits_for_its_payment() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        env.give_card(&ada, GOOD_CARD).await;
        env.advance(4 * DAY);
        let customer = env.customer(&ada).await;
        let charges = env.stripe.all(&format!("/v1/charges?customer={customer}")).await;
        let dispute = env.stripe.dispute(text(&charges[0], "id")).await;
        env.stripe.close_dispute(&dispute, false).await;
        let webhooks = env.new_webhooks().await;
        let is_dispute = |webhook: &&Value| webhook["type"] == "charge.dispute.closed";
        let overtaking = webhooks.iter().find(is_dispute).unwrap();
        env.receive(overtaking).await.unwrap();
        let worked = env.worker.drain().await.unwrap();
        assert_eq!((worked.applied, worked.retried), (0, 1), "{engine:?}");
        for webhook in &webhooks {
            env.receive(webhook).await.unwrap();
        }
        for _ in 0..3 {
            env.advance(MINUTE);
            env.worker.drain().await.unwrap();
        }
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial converted", "Subscription dispute"],
            "{engine:?}"
        );
    }
}
