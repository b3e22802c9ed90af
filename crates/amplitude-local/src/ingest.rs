//! From a checked upload to people, sessions and stored events: one request is one transaction.
//!
//! The decisions are elsewhere (`people`, `properties`, `event`, `plan`), the SQL is in `store`; this file
//! says in which order they come.

use sqlx::SqliteConnection;

use crate::{
    answer::EventIds,
    device,
    event::{self, Placed, Receipt, Times},
    people::{Attribution, Holder, attribute},
    plan::{self, Plan},
    properties,
    settings::Limits,
    store::{
        self, Store,
        events::{self, EventRow},
        log::{self, Arrival, Outcome},
        people::{self as people_store, Person},
    },
    upload::{Refusal, Upload},
    validate::IncomingEvent,
};

/// Keeps the events of an upload, those aside that are known already.
pub(crate) async fn keep(
    store: &Store,
    plan: Option<&Plan>,
    limits: &Limits,
    upload: &Upload,
    receipt: &Receipt,
    answered: u16,
) -> Result<i64, sqlx::Error> {
    let mut tx = store.begin().await?;
    let first = store::take_numbers(&mut tx, "sequence", upload.events.len()).await?;
    let mut sequence = first - 1;
    let mut deliveries = Vec::with_capacity(upload.events.len());
    for event in &upload.events {
        sequence += 1;
        let outcome = keep_event(&mut tx, plan, limits, event, receipt, sequence).await?;
        deliveries.push((ids(event), outcome));
    }
    let arrival = Arrival {
        received_ms: receipt.received_ms,
        path: receipt.path,
        answered: Some(answered),
    };
    log::deliveries(&mut tx, arrival, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await?;
    Ok(sequence)
}

/// Applies `/identify`: the values show with the person's next event (Identify API, "Considerations").
pub(crate) async fn identify(
    store: &Store,
    limits: &Limits,
    identifications: &[IncomingEvent],
    receipt: &Receipt,
    answered: u16,
) -> Result<(), sqlx::Error> {
    let mut tx = store.begin().await?;
    let mut deliveries = Vec::with_capacity(identifications.len());
    for identification in identifications {
        let device = Device::of(identification);
        let (_, mut person) = place(&mut tx, identification.user_id.as_deref(), &device).await?;
        let mut next = person.pending.take().unwrap_or_else(|| person.properties.clone());
        properties::apply(&mut next, &identification.user_properties);
        person.pending = Some(next);
        person.context.extend(event::context(identification, receipt));
        people_store::save(&mut tx, &person).await?;
        deliveries.push((ids(identification), Outcome::Accepted));
    }
    let arrival = Arrival {
        received_ms: receipt.received_ms,
        path: receipt.path,
        answered: Some(answered),
    };
    log::deliveries(&mut tx, arrival, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await
}

/// Writes down what was refused, and why.
pub(crate) async fn note_refusal(
    store: &Store,
    limits: &Limits,
    refusal: &Refusal,
    arrival: Arrival,
) -> Result<i64, sqlx::Error> {
    let mut tx = store.begin().await?;
    let entries = refusal.bad.len().max(1);
    let first = store::take_numbers(&mut tx, "sequence", entries).await?;
    let reports = refusal.reports(first, arrival);
    for (sequence, (ids, report)) in (first..).zip(&reports) {
        log::refused(&mut tx, sequence, ids, arrival.received_ms, report).await?;
    }
    log::trim_refused(&mut tx, limits.refused_rows).await?;
    let deliveries: Vec<_> = refusal.outcomes().collect();
    log::deliveries(&mut tx, arrival, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await?;
    Ok(first + i64::try_from(entries).unwrap_or(1) - 1)
}

/// Writes down the events of a request that met a fault switch.
pub(crate) async fn note_fault(
    store: &Store,
    limits: &Limits,
    ids: &[EventIds],
    arrival: Arrival,
) -> Result<(), sqlx::Error> {
    let deliveries: Vec<_> = ids.iter().map(|ids| (ids.clone(), Outcome::Fault)).collect();
    let mut tx = store.begin().await?;
    log::deliveries(&mut tx, arrival, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await
}

async fn keep_event(
    tx: &mut SqliteConnection,
    plan: Option<&Plan>,
    limits: &Limits,
    event: &IncomingEvent,
    receipt: &Receipt,
    sequence: i64,
) -> Result<Outcome, sqlx::Error> {
    let device = Device::of(event);
    if let Some(insert_id) = &event.insert_id {
        let since = receipt.received_ms - limits.dedup_window_ms;
        if events::is_known(tx, &device.id, insert_id, since).await? {
            return Ok(Outcome::Duplicate);
        }
    }
    let (attribution, mut person) = place(tx, event.user_id.as_deref(), &device).await?;
    let times = Times::of(event, receipt);
    let first_event = person.num_events == 0;
    let user_properties = update_properties(&mut person, event);
    update_totals(&mut person, event, receipt, times);
    people_store::save(tx, &person).await?;
    if let Some(session_id) = event.session_id.filter(|_| event.is_counted()) {
        people_store::note_session(tx, person.amplitude_id, session_id, times.client_event).await?;
    }
    let placed = Placed {
        sequence,
        amplitude_id: person.amplitude_id,
        attribution: attribution.label(),
        device_id: &device.id,
        derived_device: device.derived,
        first_event,
        user_properties: &user_properties,
        verdict: plan::judge(plan, &event.event_type, &event.event_properties),
    };
    let row = EventRow {
        sequence,
        person: person.amplitude_id,
        event_type: &event.event_type,
        user_id: event.user_id.as_deref(),
        device_id: &device.id,
        insert_id: event.insert_id.as_deref(),
        session_id: event.session_id,
        event_ms: times.event,
        received_ms: receipt.received_ms,
        body: event::exported(event, receipt, times, &placed).to_string(),
    };
    events::insert(tx, row).await?;
    Ok(Outcome::Accepted)
}

/// Finds or makes the event's person, and binds the device where the event says whose it is.
async fn place(
    tx: &mut SqliteConnection,
    user_id: Option<&str>,
    device: &Device,
) -> Result<(Attribution, Person), sqlx::Error> {
    let holder = people_store::holder(tx, &device.id).await?;
    let attribution = attribute(holder, people_store::named(tx, user_id).await?);
    let user_id = user_id.map(str::to_owned);
    let person = match attribution {
        Attribution::NewAnonymous | Attribution::NewUser => {
            let amplitude_id = store::take_numbers(tx, "amplitude_id", 1).await?;
            let person = Person {
                amplitude_id,
                user_id: user_id.clone(),
                ..Person::default()
            };
            people_store::save(tx, &person).await?;
            person
        }
        Attribution::Existing(person) => people_store::load(tx, person).await?,
        Attribution::Claim(person) => Person {
            user_id: user_id.clone(),
            ..people_store::load(tx, person).await?
        },
        Attribution::Merge { from, into } => {
            let mut person = people_store::load(tx, into).await?;
            person.absorb(people_store::load(tx, from).await?);
            people_store::merge(tx, from, into).await?;
            person
        }
    };
    let unbound = holder == Holder::Nobody || user_id.is_some();
    if unbound && holder != Holder::Known(person.amplitude_id) {
        people_store::bind_device(tx, &device.id, device.derived, person.amplitude_id).await?;
    }
    Ok((attribution, person))
}

/// Applies the event's operations and answers the snapshot that the event keeps.
fn update_properties(
    person: &mut Person,
    event: &IncomingEvent,
) -> serde_json::Map<String, serde_json::Value> {
    if let Some(pending) = person.pending.take() {
        person.properties = pending;
    }
    if event.skip_user_properties_sync {
        let mut own = serde_json::Map::new();
        properties::apply(&mut own, &event.user_properties);
        return own;
    }
    properties::apply(&mut person.properties, &event.user_properties);
    person.properties.clone()
}

fn update_totals(person: &mut Person, event: &IncomingEvent, receipt: &Receipt, times: Times) {
    let mut context = event::context(event, receipt);
    let first_version = person
        .context
        .remove("start_version")
        .or_else(|| context.get("version_name").cloned());
    if let Some(version) = first_version {
        context.entry("start_version").or_insert(version);
    }
    person.context.extend(context);
    if !event.is_counted() {
        return;
    }
    person.num_events += 1;
    person.first_used = Some(
        person
            .first_used
            .map_or(times.event, |first| first.min(times.event)),
    );
    person.last_used = person.last_used.max(Some(times.event));
    if let Some(amount) = event::amount(event) {
        person.revenue += amount;
        person.purchases += i64::from(amount > 0.0);
    }
}

/// The device of an event: as sent, or derived from its user.
struct Device {
    id: String,
    derived: bool,
}

impl Device {
    fn of(event: &IncomingEvent) -> Self {
        match (&event.device_id, &event.user_id) {
            (Some(id), _) => Self {
                id: id.clone(),
                derived: false,
            },
            (None, user_id) => Self {
                id: device::derived_from(user_id.as_deref().unwrap_or_default()),
                derived: true,
            },
        }
    }
}

fn ids(event: &IncomingEvent) -> EventIds {
    EventIds {
        user_id: event.user_id.clone(),
        device_id: event.device_id.clone(),
        insert_id: event.insert_id.clone(),
        event_type: Some(event.event_type.clone()),
    }
}
