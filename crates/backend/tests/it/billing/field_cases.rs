//! Field cases 1 to 8 against the stand-in: subscriptions as staff make them at Stripe.

use backend::billing::ledger::{DifferenceReason, MovementKind};
use db::testing::engines;
use serde_json::{Value, json};
use tracking::{PlanInterval, SubscriptionStatus};

use super::environment::{Environment, Person, names, revenue};
use super::stand_in::{Form, GOOD_CARD, text};

/// The catalog's product.
async fn product(env: &Environment) -> String {
    let prices = env
        .stripe
        .get("/v1/prices?lookup_keys[]=seamline_pro_month")
        .await;
    text(&prices["data"][0], "product").to_owned()
}

/// A new price of the catalog's product.
pub(super) async fn price(env: &Environment, amount: &str, currency: &str, interval: (&str, &str)) -> String {
    let product = product(env).await;
    let form = [
        ("product", product.as_str()),
        ("unit_amount", amount),
        ("currency", currency),
        ("recurring[interval]", interval.0),
        ("recurring[interval_count]", interval.1),
    ];
    let price = env.stripe.post("/v1/prices", &form).await;
    text(&price, "id").to_owned()
}

/// A customer with a card and without a subscription.
pub(super) async fn customer_with_card(env: &mut Environment, person: &Person) -> String {
    env.start(person, PlanInterval::Month).await;
    env.attach_card(person).await
}

pub(super) async fn subscribe(env: &mut Environment, customer: &str, form: Form<'_>) -> String {
    let form: Vec<_> = [("customer", customer)]
        .into_iter()
        .chain(form.iter().copied())
        .collect();
    let subscription = env.stripe.post("/v1/subscriptions", &form).await;
    env.deliver().await;
    text(&subscription, "id").to_owned()
}

/// Sets the quantity of the only item.
async fn set_seats(env: &mut Environment, subscription: &str, seats: &str, proration: &str) {
    let object = env.stripe.subscription(subscription).await;
    let item = text(&object["items"]["data"][0], "id").to_owned();
    let form = [
        ("items[0][id]", item.as_str()),
        ("items[0][quantity]", seats),
        ("proration_behavior", proration),
    ];
    env.stripe
        .post(&format!("/v1/subscriptions/{subscription}"), &form)
        .await;
    env.deliver().await;
}

/// The prices on the billing page, and the next payment.
async fn shown(env: &Environment, person: &Person) -> (Vec<String>, Option<String>) {
    let subscription = env.overview(person).await.subscription.unwrap();
    let prices = subscription.prices.iter();
    (
        prices
            .map(|price| format!("{} / {}", price.amount, price.interval))
            .collect(),
        subscription.next_payment.map(|next| next.to_string()),
    )
}

#[tokio::test]
async fn case_1_seats_change_and_the_interval_does_not() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        let mut money = env.stripe.money_of(&customer).await;
        for seats in [2_i64, 3] {
            env.advance(60_000);
            set_seats(&mut env, &subscription, &seats.to_string(), "always_invoice").await;
            let event = env.last(&ada).await;
            assert_eq!(event["event_type"], "Subscription changed", "{engine:?}");
            let properties = &event["event_properties"];
            assert_eq!(properties["previous_interval"], "month", "{engine:?}");
            assert_eq!(properties["interval"], "month", "{engine:?}");
            assert_eq!(properties["previous_quantity"], seats - 1, "{engine:?}");
            assert_eq!(properties["quantity"], seats, "{engine:?}");
            let now = env.stripe.money_of(&customer).await;
            assert!(now > money, "{engine:?}: a seat costs money");
            assert_eq!(revenue(&event), now - money, "{engine:?}");
            money = now;
        }
        // On the next invoice, and not at all.
        for (seats, proration) in [("5", "create_prorations"), ("1", "none")] {
            env.advance(60_000);
            set_seats(&mut env, &subscription, seats, proration).await;
            let event = env.last(&ada).await;
            assert_eq!(
                event["event_type"], "Subscription changed",
                "{engine:?} {proration}"
            );
            assert_eq!(event["revenue"], Value::Null, "{engine:?} {proration}");
            assert_eq!(
                event["event_properties"]["quantity"].to_string(),
                seats,
                "{engine:?}"
            );
        }
        env.advance_days(31).await;
        let total: i64 = env.events(&ada).await.iter().map(revenue).sum();
        assert_eq!(total, env.stripe.money_of(&customer).await, "{engine:?}");
        assert!(
            env.billing.check_ledger().await.unwrap().is_balanced(),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn case_2_the_page_shows_what_the_subscription_costs() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.paid(&ada).await;
        set_seats(&mut env, &subscription, "3", "none").await;
        let three = (vec!["36.00 USD / month".to_owned()], Some("36.00 USD".to_owned()));
        assert_eq!(shown(&env, &ada).await, three, "{engine:?}");
        assert!(
            env.overview(&ada)
                .await
                .subscription
                .unwrap()
                .may_change_to_yearly,
            "{engine:?}: the catalog's price, three times"
        );
        for (index, (amount, currency, interval, text)) in [
            ("900", "eur", ("month", "1"), "9.00 EUR / month"),
            ("1200", "jpy", ("month", "1"), "1200 JPY / month"),
            ("3000", "usd", ("month", "3"), "30.00 USD / 3 months"),
        ]
        .into_iter()
        .enumerate()
        {
            let person = env.person(&format!("p{index}@example.com")).await;
            let customer = customer_with_card(&mut env, &person).await;
            let price = price(&env, amount, currency, interval).await;
            subscribe(&mut env, &customer, &[("items[0][price]", &price)]).await;
            assert_eq!(shown(&env, &person).await.0, [text], "{engine:?}");
            let subscription = env.overview(&person).await.subscription.unwrap();
            assert!(
                !subscription.may_change_to_yearly,
                "{engine:?}: {text} is not the catalog's"
            );
            let event = env.last(&person).await;
            assert_eq!(event["event_type"], "Subscription started", "{engine:?}");
            assert_eq!(
                event["event_properties"]["amount_minor"].to_string(),
                amount,
                "{engine:?}"
            );
            assert_eq!(event["currency"], currency.to_uppercase(), "{engine:?}");
        }
        let two = env.person("two@example.com").await;
        let customer = customer_with_card(&mut env, &two).await;
        let (seat, extra) = (
            price(&env, "1200", "usd", ("month", "1")).await,
            price(&env, "500", "usd", ("month", "1")).await,
        );
        let form = [
            ("items[0][price]", seat.as_str()),
            ("items[0][quantity]", "2"),
            ("items[1][price]", &extra),
        ];
        subscribe(&mut env, &customer, &form).await;
        let sum = (vec!["29.00 USD / month".to_owned()], Some("29.00 USD".to_owned()));
        assert_eq!(shown(&env, &two).await, sum, "{engine:?}");
    }
}

#[tokio::test]
async fn case_3_a_price_for_every_three_months_grants_pro() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let customer = customer_with_card(&mut env, &ada).await;
        let quarterly = price(&env, "3000", "usd", ("month", "3")).await;
        subscribe(&mut env, &customer, &[("items[0][price]", &quarterly)]).await;
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        for month in ["one", "two", "three", "four"] {
            // The stand-in keeps events for 30 days, and the test continues after the last one.
            let note = [("description", month)];
            env.stripe.post(&format!("/v1/customers/{customer}"), &note).await;
            env.advance_days(25).await;
        }
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            ["Subscription started", "Subscription renewal"],
            "{engine:?}"
        );
        for event in &events {
            assert_eq!(event["event_properties"]["interval"], "3 months", "{engine:?}");
            assert_eq!(revenue(event), 3_000, "{engine:?}");
        }
        let parked = env.billing.inbox_counts().await.unwrap().parked;
        assert_eq!(parked, 0, "{engine:?}");
    }
}

/// The plan follows from the product, and not from the existence of a subscription.
#[tokio::test]
async fn case_3_a_subscription_of_another_product_grants_nothing() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let customer = customer_with_card(&mut env, &ada).await;
        let other = env.stripe.post("/v1/products", &[("name", "Consulting")]).await;
        let form = [
            ("product", text(&other, "id")),
            ("unit_amount", "700"),
            ("currency", "usd"),
            ("recurring[interval]", "month"),
        ];
        let price = env.stripe.post("/v1/prices", &form).await;
        subscribe(&mut env, &customer, &[("items[0][price]", text(&price, "id"))]).await;
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
        assert_eq!(env.names(&ada).await, Vec::<String>::new(), "{engine:?}");
        assert_eq!(env.overview(&ada).await.subscription, None, "{engine:?}");
        let found = env.billing.check_ledger().await.unwrap();
        assert!(
            found.is_balanced() && found.differences.is_empty(),
            "{engine:?}: {found:?}"
        );
        assert_eq!(found.separate.len(), 1, "{engine:?}");
        assert_eq!(found.separate[0].amount.minor, 700, "{engine:?}");
    }
}

#[tokio::test]
async fn case_4_a_trial_that_ends_on_a_free_price_converts() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let customer = customer_with_card(&mut env, &ada).await;
        let free = price(&env, "0", "usd", ("month", "1")).await;
        let form = [("items[0][price]", free.as_str()), ("trial_period_days", "3")];
        let subscription = subscribe(&mut env, &customer, &form).await;
        env.advance_days(40).await;
        env.stripe
            .delete(&format!("/v1/subscriptions/{subscription}"))
            .await;
        env.deliver().await;
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            ["Trial started", "Trial converted", "Subscription expiration"],
            "{engine:?}"
        );
        assert_eq!(events[1]["revenue"], Value::Null, "{engine:?}");
        assert_eq!(events[1]["event_properties"]["amount_minor"], 0, "{engine:?}");
    }
}

#[tokio::test]
async fn case_7_a_lost_dispute_is_negative_revenue_and_a_won_one_is_none() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        for (email, won) in [("ada@example.com", false), ("bob@example.com", true)] {
            let person = env.person(email).await;
            env.trial(&person).await;
            env.give_card(&person, GOOD_CARD).await;
            env.advance_days(4).await;
            let customer = env.customer(&person).await;
            let charges = env.stripe.all(&format!("/v1/charges?customer={customer}")).await;
            let dispute = env.stripe.dispute(text(&charges[0], "id")).await;
            env.deliver().await;
            assert_eq!(
                env.names(&person).await.len(),
                2,
                "{engine:?}: an open dispute is no event"
            );
            env.stripe.close_dispute(&dispute, won).await;

            // Stripe has closed it, and no webhook has arrived.
            let found = env.billing.check_ledger().await.unwrap();
            let missing: Vec<_> = found
                .differences
                .iter()
                .map(|one| (one.kind, one.reason))
                .collect();
            match won {
                true => assert_eq!(missing, [], "{engine:?}"),
                false => assert_eq!(
                    missing,
                    [(MovementKind::Dispute, DifferenceReason::MissingWebhook)],
                    "{engine:?}"
                ),
            }
            env.deliver().await;
            let found = env.billing.check_ledger().await.unwrap();
            assert_eq!(found.differences, [], "{engine:?}");
            assert_eq!(found.disputes, 1, "{engine:?}");
            let events = env.events(&person).await;
            let last = events.last().unwrap();
            let expected = if won {
                "Trial converted"
            } else {
                "Subscription dispute"
            };
            assert_eq!(last["event_type"], expected, "{engine:?}");
            let total: i64 = events.iter().map(revenue).sum();
            assert_eq!(total, if won { 1_200 } else { 0 }, "{engine:?}");
            let status = env.overview(&person).await.subscription.unwrap().status;
            assert_eq!(status, SubscriptionStatus::Active, "{engine:?}: the plan stays");
            assert_eq!(json!(env.account_type(&person).await), "pro", "{engine:?}");
        }
    }
}
