//! Where accounts came from, the contexts of their events, and the revenue that followed.

use backend::accounts::Login;
use backend::attribution::{CampaignReport, CampaignRow};
use backend::loss::LossMeter;
use backend::operations::Operations;
use backend::{RequestOrigin, Visitor};
use db::testing::engines;
use outbox::Wakeup;
use serde_json::{Value, json};
use tracking::{
    Choice, DeviceId, FirstTouch, IdSource, Money, PlanInterval, PresentIds, SessionId, Touch,
    first_touch_properties,
};

use crate::billing::environment::{Environment, Person, SECOND, click};
use crate::billing::stand_in::GOOD_CARD;
use crate::support::{MINUTE, PASSWORD, Store, payload, sign_in, sign_up, visitor};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn spring() -> Touch {
    let query = "utm_source=newsletter&utm_medium=email&utm_campaign=spring&gclid=Cj0K";
    Touch::of_document("/", Some(query), Some("https://mail.example.org/"))
}

/// A browser that came with this touch, in a session of its own.
fn browser(store: &Store, device: &str, touch: &Touch) -> Visitor {
    let device = DeviceId::parse(device).unwrap();
    let now_ms = store.clock.now_ms();
    Visitor {
        tracking: Some(PresentIds::Live {
            device: device.clone(),
            session: SessionId::starting_at(now_ms - MINUTE),
            source: IdSource::ServerSession,
            context: Box::default(),
        }),
        user_agent: FIREFOX.to_owned(),
        origin: RequestOrigin {
            accept_language: "en-GB,en;q=0.8".to_owned(),
            page_path: "/pricing".to_owned(),
            page_title: Some("Pricing · Seamline"),
            first_touch: Some(FirstTouch {
                touch: touch.clone(),
                device,
                at_ms: now_ms - MINUTE,
            }),
            session_touch: Some(touch.clone()),
        },
        ..visitor()
    }
}

async fn sign_up_with(store: &Store, email: &str, visitor: &Visitor) -> Login {
    store.accounts.sign_up(sign_up(email), visitor).await.unwrap()
}

async fn report(store: &Store) -> CampaignReport {
    let operations = Operations::new(store.test.db.clone(), store.clock.clone(), Wakeup::new());
    operations.campaigns().await.unwrap()
}

fn row<'a>(rows: &'a [CampaignRow], campaign: Option<&str>) -> &'a CampaignRow {
    let found = rows.iter().find(|row| row.campaign.as_deref() == campaign);
    found.unwrap_or_else(|| panic!("{campaign:?}: {rows:?}"))
}

/// The parts of the context on the wire.
fn context_of(event: &Value) -> Value {
    let properties = &event["event_properties"];
    json!([
        event["ip"],
        event["os_name"],
        event["os_version"],
        event["device_model"],
        event["language"],
        properties["operating_system"],
        properties["device_type"],
        properties["page_path"],
        properties["page_title"],
        properties["utm_campaign"],
        properties["gclid"],
        properties["referring_domain"],
    ])
}

fn expected_context() -> Value {
    json!([
        "192.0.2.7",
        "Firefox",
        "140",
        "Linux",
        "en-GB",
        "Linux",
        "desktop",
        "/pricing",
        "Pricing · Seamline",
        "spring",
        "Cj0K",
        "mail.example.org",
    ])
}

fn no_context() -> Value {
    json!(vec![Value::Null; 12])
}

#[tokio::test]
async fn a_sign_up_has_the_context_of_its_request_and_sets_the_first_touch() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = sign_up_with(
            &store,
            "ada@example.com",
            &browser(&store, "device-of-ada", &spring()),
        )
        .await;
        let event = payload(&store.events_of(login.user.id).await[0]);
        assert_eq!(context_of(&event), expected_context(), "{engine:?}");
        let first = &event["user_properties"]["$setOnce"];
        assert_eq!(first["initial_utm_campaign"], "spring", "{engine:?}");
        assert_eq!(
            first["initial_referring_domain"], "mail.example.org",
            "{engine:?}"
        );
        assert_eq!(first["initial_landing_page"], "/", "{engine:?}");
        assert_eq!(first["initial_msclkid"], "EMPTY", "{engine:?}");

        // Another browser of the account has its own session, and does not change the first touch.
        let search = Touch::of_document("/", Some("utm_source=search"), None);
        let phone = browser(&store, "phone-of-ada", &search);
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &phone)
            .await
            .unwrap();
        let event = payload(store.events_of(login.user.id).await.last().unwrap());
        assert_eq!(event["event_properties"]["utm_source"], "search", "{engine:?}");
        for name in first_touch_properties() {
            assert_eq!(
                event["user_properties"]["$setOnce"][name],
                Value::Null,
                "{engine:?}: {name}"
            );
        }
        let campaigns = store.texts("SELECT campaign FROM first_touches").await;
        assert_eq!(campaigns, ["newsletter / email / spring"], "{engine:?}");
    }
}

#[tokio::test]
async fn the_first_browser_with_a_touch_sets_the_first_touch_also_at_a_sign_in() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let without = Visitor {
            origin: RequestOrigin::default(),
            ..browser(&store, "device-of-ada", &spring())
        };
        let login = sign_up_with(&store, "ada@example.com", &without).await;
        let phone = browser(&store, "phone-of-ada", &spring());
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &phone)
            .await
            .unwrap();
        let event = payload(store.events_of(login.user.id).await.last().unwrap());
        assert_eq!(
            event["user_properties"]["$setOnce"]["initial_utm_source"], "newsletter",
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn revenue_is_attributed_to_the_campaign_of_the_order() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let campaign = "newsletter / email / spring";
        let ada = browser(&env.store, "device-of-ada", &spring());
        let login = sign_up_with(&env.store, "ada@example.com", &ada).await;
        let person = Person {
            user: login.user.clone(),
            device: DeviceId::parse("device-of-ada").unwrap(),
        };
        env.person("eve@example.com").await;

        let page = env
            .billing
            .start_checkout(
                &login.user,
                order(),
                &browser(&env.store, "device-of-ada", &spring()),
            )
            .await
            .unwrap();
        let address = "SELECT COALESCE(address, 'none') FROM handoffs";
        assert_eq!(env.store.texts(address).await, ["192.0.2.7"], "{engine:?}");
        env.advance(20 * SECOND);
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let started = env.last(&person).await;
        assert_eq!(started["event_type"], "Trial started", "{engine:?}");
        assert_eq!(context_of(&started), expected_context(), "{engine:?}");
        assert_eq!(
            env.store.texts(address).await,
            ["none"],
            "{engine:?}: the event has it"
        );
        let stored = env
            .store
            .texts("SELECT object FROM subscriptions")
            .await
            .remove(0);
        for text in ["192.0.2.7", "newsletter", "Firefox", "/pricing"] {
            assert!(
                !stored.contains(text),
                "{engine:?}: {text} went to Stripe: {stored}"
            );
        }

        env.give_card(&person, GOOD_CARD).await;
        env.advance_days(4).await;
        let converted = env.last(&person).await;
        assert_eq!(converted["event_type"], "Trial converted", "{engine:?}");
        assert_eq!(context_of(&converted), no_context(), "{engine:?}");

        let found = report(&env.store).await;
        for rows in [&found.first, &found.last] {
            let row = row(rows, Some(campaign));
            assert_eq!(
                (row.sign_ups, row.trials, row.conversions),
                (1, 1, 1),
                "{engine:?}"
            );
            assert_eq!(
                row.revenue.iter().map(Money::to_string).collect::<Vec<_>>(),
                ["12.00 USD"]
            );
            assert!(row.refunds.is_empty());
            assert_eq!(super::attribution::row(rows, None).sign_ups, 1, "{engine:?}: eve");
        }
        assert_eq!(
            row(&found.sdk, None).sign_ups,
            2,
            "{engine:?}: the SDK has reported nothing"
        );

        let loss = LossMeter::new(env.store.test.db.clone(), env.store.clock.clone());
        loss.record_sdk_touch(&person.device, &spring());
        loss.flush().await.unwrap();
        let found = report(&env.store).await;
        assert_eq!(row(&found.sdk, Some(campaign)).conversions, 1, "{engine:?}");
        assert_eq!(row(&found.sdk, None).sign_ups, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_stale_click_gives_no_context() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let person = env.person("ada@example.com").await;
        let ada = browser(&env.store, "device-of-ada", &spring());
        let page = env
            .billing
            .start_checkout(&person.user, order(), &ada)
            .await
            .unwrap();
        env.advance(40 * MINUTE);
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let started = env.last(&person).await;
        assert_eq!(
            started["event_properties"]["stitched_by"], "stale handoff",
            "{engine:?}"
        );
        assert_eq!(context_of(&started), no_context(), "{engine:?}");
        env.advance(2 * crate::support::DAY);
        env.store.sweep().await;
        let kept = env
            .store
            .number("SELECT COUNT(*) FROM handoffs WHERE address IS NOT NULL")
            .await;
        assert_eq!(kept, 0, "{engine:?}: no event took the address");
    }
}

#[tokio::test]
async fn denying_consent_deletes_where_the_account_came_from() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let store = &env.store;
        let ada = browser(store, "device-of-ada", &spring());
        let login = sign_up_with(store, "ada@example.com", &ada).await;
        env.billing
            .start_checkout(&login.user, order(), &ada)
            .await
            .unwrap();
        store
            .accounts
            .choose_consent(login.user.id, Choice::Denied)
            .await
            .unwrap();
        for table in ["first_touches", "last_touches"] {
            assert_eq!(store.count(table).await, 0, "{engine:?}: {table}");
        }
        let left = "SELECT COUNT(*) FROM handoffs WHERE context IS NOT NULL OR address IS NOT NULL";
        assert_eq!(store.number(left).await, 0, "{engine:?}");
        let addresses = "SELECT COUNT(*) FROM outbox WHERE payload LIKE '%192.0.2.7%'";
        assert_eq!(
            store.number(addresses).await,
            0,
            "{engine:?}: parked events keep no address"
        );
        assert_eq!(row(&report(store).await.first, None).sign_ups, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_visitor_without_consent_or_cookies_leaves_no_touch() {
    for engine in engines() {
        let store = Store::new(engine).await;
        for (email, tracking) in [
            ("ada@example.com", None),
            ("eve@example.com", Some(PresentIds::Unknown)),
        ] {
            let visitor = Visitor {
                tracking,
                ..browser(&store, "device-of-ada", &spring())
            };
            let login = sign_up_with(&store, email, &visitor).await;
            for event in store.events_of(login.user.id).await {
                let event = payload(&event);
                assert_eq!(context_of(&event), no_context(), "{engine:?}");
                assert_eq!(
                    event["user_properties"]["$setOnce"]["initial_utm_source"],
                    Value::Null
                );
            }
        }
        assert_eq!(
            store.count("first_touches").await + store.count("last_touches").await,
            0,
            "{engine:?}"
        );
    }
}

fn order() -> backend::billing::Order {
    backend::billing::Order {
        interval: PlanInterval::Month,
        click: click(),
    }
}
