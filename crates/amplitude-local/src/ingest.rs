//! Storing validated uploads: people, sessions, events and the delivery log. One request is one transaction.
//!
//! The rules are in `attribution`, `properties`, `export` and `tracking_plan`; the SQL is in `store`. This module calls them
//! in the right order.

use sqlx::SqliteConnection;

use crate::{
    attribution::{Attribution, DeviceOwner, attribute},
    device,
    export::{self, EventAssignment, UploadMetadata},
    properties,
    response::EventIds,
    settings::Limits,
    store::{
        self, EventStore,
        delivery_log::{self, DeliveryRequest, LoggedOutcome},
        events::{self, EventRow},
        people::{self as people_store, PersonRecord},
    },
    times::EventTimes,
    tracking_plan::{self, TrackingPlan},
    upload::{RefusedUpload, Upload},
    validate::IncomingEvent,
};

/// Stores the events of an upload, except duplicates. Returns the last sequence number.
pub(crate) async fn store_upload(
    store: &EventStore,
    plan: Option<&TrackingPlan>,
    limits: &Limits,
    upload: &Upload,
    metadata: &UploadMetadata,
    response_status: u16,
) -> Result<i64, sqlx::Error> {
    let mut tx = store.begin().await?;
    let first = store::reserve_numbers(&mut tx, "sequence", upload.events.len()).await?;
    let mut sequence = first - 1;
    let mut deliveries = Vec::with_capacity(upload.events.len());
    for event in &upload.events {
        sequence += 1;
        let outcome = store_event(&mut tx, plan, limits, event, metadata, sequence).await?;
        deliveries.push((ids(event), outcome));
    }
    let request = DeliveryRequest {
        received_ms: metadata.received_ms,
        path: metadata.path,
        response_status: Some(response_status),
    };
    delivery_log::insert_deliveries(&mut tx, request, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await?;
    Ok(sequence)
}

/// Stores identifications. Their user properties take effect with the person's next event (Identify API,
/// "Considerations").
pub(crate) async fn store_identifications(
    store: &EventStore,
    limits: &Limits,
    identifications: &[IncomingEvent],
    metadata: &UploadMetadata,
    response_status: u16,
) -> Result<(), sqlx::Error> {
    let mut tx = store.begin().await?;
    let mut deliveries = Vec::with_capacity(identifications.len());
    for identification in identifications {
        let device = EventDevice::of(identification);
        let (_, mut person) = resolve_person(&mut tx, identification.user_id.as_deref(), &device).await?;
        let mut next = person.pending.take().unwrap_or_else(|| person.properties.clone());
        properties::apply(&mut next, &identification.user_properties);
        person.pending = Some(next);
        person
            .context
            .extend(export::export_context(identification, metadata));
        people_store::save(&mut tx, &person).await?;
        deliveries.push((ids(identification), LoggedOutcome::Accepted));
    }
    let request = DeliveryRequest {
        received_ms: metadata.received_ms,
        path: metadata.path,
        response_status: Some(response_status),
    };
    delivery_log::insert_deliveries(&mut tx, request, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await
}

/// Logs a refused upload with its reasons. Returns the last sequence number.
pub(crate) async fn record_refused(
    store: &EventStore,
    limits: &Limits,
    refused: &RefusedUpload,
    request: DeliveryRequest,
) -> Result<i64, sqlx::Error> {
    let mut tx = store.begin().await?;
    let count = refused.invalid_events.len().max(1);
    let first = store::reserve_numbers(&mut tx, "sequence", count).await?;
    let entries = refused.log_entries(first, request);
    for (sequence, (ids, entry)) in (first..).zip(&entries) {
        delivery_log::insert_refused(&mut tx, sequence, ids, request.received_ms, entry).await?;
    }
    delivery_log::trim_refused(&mut tx, limits.refused_rows).await?;
    let deliveries: Vec<_> = refused.outcomes().collect();
    delivery_log::insert_deliveries(&mut tx, request, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await?;
    Ok(first + i64::try_from(count).unwrap_or(1) - 1)
}

/// Logs the events of a request that a fault switch affected.
pub(crate) async fn record_fault(
    store: &EventStore,
    limits: &Limits,
    ids: &[EventIds],
    request: DeliveryRequest,
) -> Result<(), sqlx::Error> {
    let deliveries: Vec<_> = ids
        .iter()
        .map(|ids| (ids.clone(), LoggedOutcome::Fault))
        .collect();
    let mut tx = store.begin().await?;
    delivery_log::insert_deliveries(&mut tx, request, &deliveries, limits.raw_log_rows).await?;
    tx.commit().await
}

async fn store_event(
    tx: &mut SqliteConnection,
    plan: Option<&TrackingPlan>,
    limits: &Limits,
    event: &IncomingEvent,
    metadata: &UploadMetadata,
    sequence: i64,
) -> Result<LoggedOutcome, sqlx::Error> {
    let device = EventDevice::of(event);
    if let Some(insert_id) = &event.insert_id {
        let since = metadata.received_ms - limits.dedup_window_ms;
        if events::is_duplicate(tx, &device.id, insert_id, since).await? {
            return Ok(LoggedOutcome::Duplicate);
        }
    }
    let (attribution, mut person) = resolve_person(tx, event.user_id.as_deref(), &device).await?;
    let times = EventTimes::new(event.time_ms, metadata.client_upload_ms, metadata.received_ms);
    let is_first_event = person.num_events == 0;
    let user_properties = update_properties(&mut person, event);
    update_totals(&mut person, event, metadata, times);
    people_store::save(tx, &person).await?;
    if let Some(session_id) = event.session_id.filter(|_| event.is_counted()) {
        people_store::add_to_session(tx, person.amplitude_id, session_id, times.client_event_ms).await?;
    }
    let assignment = EventAssignment {
        sequence,
        amplitude_id: person.amplitude_id,
        attribution: attribution.label(),
        device_id: &device.id,
        is_device_derived: device.is_derived,
        is_first_event,
        user_properties: &user_properties,
        plan_check: tracking_plan::check_event(plan, &event.event_type, &event.event_properties),
    };
    let row = EventRow {
        sequence,
        person: person.amplitude_id,
        event_type: &event.event_type,
        user_id: event.user_id.as_deref(),
        device_id: &device.id,
        insert_id: event.insert_id.as_deref(),
        session_id: event.session_id,
        event_ms: times.event_ms,
        received_ms: metadata.received_ms,
        body: export::export_event(event, metadata, times, &assignment).to_string(),
    };
    events::insert(tx, row).await?;
    Ok(LoggedOutcome::Accepted)
}

/// Finds or creates the event's person. Assigns the device to that person when the device is new or the event has a user
/// ID.
async fn resolve_person(
    tx: &mut SqliteConnection,
    user_id: Option<&str>,
    device: &EventDevice,
) -> Result<(Attribution, PersonRecord), sqlx::Error> {
    let owner = people_store::device_owner(tx, &device.id).await?;
    let attribution = attribute(owner, people_store::event_user(tx, user_id).await?);
    let user_id = user_id.map(str::to_owned);
    let person = match attribution {
        Attribution::NewAnonymous | Attribution::NewUser => {
            let amplitude_id = store::reserve_numbers(tx, "amplitude_id", 1).await?;
            let person = PersonRecord {
                amplitude_id,
                user_id: user_id.clone(),
                ..PersonRecord::default()
            };
            people_store::save(tx, &person).await?;
            person
        }
        Attribution::Existing(person) => people_store::load(tx, person).await?,
        Attribution::ClaimAnonymous(person) => PersonRecord {
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
    let may_assign = owner == DeviceOwner::None || user_id.is_some();
    if may_assign && owner != DeviceOwner::User(person.amplitude_id) {
        people_store::assign_device(tx, &device.id, device.is_derived, person.amplitude_id).await?;
    }
    Ok((attribution, person))
}

/// Applies the event's user properties to the person. Returns the properties to store with the event.
fn update_properties(
    person: &mut PersonRecord,
    event: &IncomingEvent,
) -> serde_json::Map<String, serde_json::Value> {
    if let Some(pending) = person.pending.take() {
        person.properties = pending;
    }
    if event.skip_user_properties_sync {
        let mut event_only = serde_json::Map::new();
        properties::apply(&mut event_only, &event.user_properties);
        return event_only;
    }
    properties::apply(&mut person.properties, &event.user_properties);
    person.properties.clone()
}

fn update_totals(
    person: &mut PersonRecord,
    event: &IncomingEvent,
    metadata: &UploadMetadata,
    times: EventTimes,
) {
    let mut context = export::export_context(event, metadata);
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
            .map_or(times.event_ms, |first| first.min(times.event_ms)),
    );
    person.last_used = person.last_used.max(Some(times.event_ms));
    if let Some(amount) = export::revenue_amount(event) {
        person.add_revenue(amount);
        person.purchases += i64::from(amount > 0.0);
    }
}

/// The device of an event: the one sent, or one derived from its user ID.
struct EventDevice {
    id: String,
    is_derived: bool,
}

impl EventDevice {
    fn of(event: &IncomingEvent) -> Self {
        match (&event.device_id, &event.user_id) {
            (Some(id), _) => Self {
                id: id.clone(),
                is_derived: false,
            },
            (None, user_id) => Self {
                id: device::derived_device_id(user_id.as_deref().unwrap_or_default()),
                is_derived: true,
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
