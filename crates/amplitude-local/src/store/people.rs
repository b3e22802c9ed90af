//! People, their devices and their sessions: writes.

use serde_json::{Map, Value};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::attribution::{AmplitudeId, DeviceOwner, EventUser};

/// A person who is not merged into another.
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonRecord {
    pub(crate) amplitude_id: AmplitudeId,
    pub(crate) user_id: Option<String>,
    pub(crate) properties: Map<String, Value>,
    /// Set by `/identify`: the properties that apply from the next event on.
    pub(crate) pending: Option<Map<String, Value>>,
    pub(crate) context: Map<String, Value>,
    pub(crate) num_events: i64,
    pub(crate) purchases: i64,
    pub(crate) revenue: f64,
    pub(crate) first_used: Option<i64>,
    pub(crate) last_used: Option<i64>,
}

impl PersonRecord {
    /// Adds the data of an anonymous person. Existing values take precedence.
    pub(crate) fn absorb(&mut self, other: Self) {
        let known_properties = std::mem::replace(&mut self.properties, other.properties);
        self.properties.extend(known_properties);
        let known_context = std::mem::replace(&mut self.context, other.context);
        self.context.extend(known_context);
        self.pending = match (self.pending.take(), other.pending) {
            (Some(own), Some(mut others)) => {
                others.extend(own);
                Some(others)
            }
            (own, others) => own.or(others),
        };
        self.num_events += other.num_events;
        self.purchases += other.purchases;
        self.add_revenue(other.revenue);
        self.first_used = [self.first_used, other.first_used].into_iter().flatten().min();
        self.last_used = self.last_used.max(other.last_used);
    }

    /// The sum stays finite: the database has no other numbers.
    pub(crate) fn add_revenue(&mut self, amount: f64) {
        self.revenue = (self.revenue + amount).clamp(f64::MIN, f64::MAX);
    }
}

/// The person who gets the device's anonymous events.
pub(crate) async fn device_owner(
    connection: &mut SqliteConnection,
    device_id: &str,
) -> Result<DeviceOwner, sqlx::Error> {
    let row = sqlx::query(
        "SELECT devices.holder, people.user_id IS NOT NULL AS known
         FROM devices JOIN people ON people.amplitude_id = devices.holder WHERE device_id = $1",
    )
    .bind(device_id)
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => DeviceOwner::None,
        Some(row) if row.try_get("known")? => DeviceOwner::User(row.try_get("holder")?),
        Some(row) => DeviceOwner::Anonymous(row.try_get("holder")?),
    })
}

/// Whether the user ID is new or has an Amplitude ID.
pub(crate) async fn event_user(
    connection: &mut SqliteConnection,
    user_id: Option<&str>,
) -> Result<EventUser, sqlx::Error> {
    let Some(user_id) = user_id else {
        return Ok(EventUser::None);
    };
    let found = sqlx::query_scalar("SELECT amplitude_id FROM people WHERE user_id = $1")
        .bind(user_id)
        .fetch_optional(connection)
        .await?;
    Ok(found.map_or(EventUser::New, EventUser::Known))
}

pub(crate) async fn load(
    connection: &mut SqliteConnection,
    amplitude_id: AmplitudeId,
) -> Result<PersonRecord, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_one(connection)
        .await?;
    person(&row)
}

/// Inserts or updates a person.
pub(crate) async fn save(
    connection: &mut SqliteConnection,
    person: &PersonRecord,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO people (amplitude_id, user_id, properties, pending, context,
                             num_events, purchases, revenue, first_used, last_used)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (amplitude_id) DO UPDATE SET
           user_id = excluded.user_id, properties = excluded.properties, pending = excluded.pending,
           context = excluded.context, num_events = excluded.num_events, purchases = excluded.purchases,
           revenue = excluded.revenue, first_used = excluded.first_used, last_used = excluded.last_used",
    )
    .bind(person.amplitude_id)
    .bind(&person.user_id)
    .bind(text(&person.properties))
    .bind(person.pending.as_ref().map(text))
    .bind(text(&person.context))
    .bind(person.num_events)
    .bind(person.purchases)
    .bind(person.revenue)
    .bind(person.first_used)
    .bind(person.last_used)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves an anonymous person's events, sessions and devices to a user, and marks the person as merged.
pub(crate) async fn merge(
    connection: &mut SqliteConnection,
    from: AmplitudeId,
    into: AmplitudeId,
) -> Result<(), sqlx::Error> {
    for statement in [
        "UPDATE people SET merged_into = $2 WHERE amplitude_id = $1",
        "UPDATE events SET person = $2 WHERE person = $1",
        "UPDATE devices SET holder = $2 WHERE holder = $1",
        "INSERT OR IGNORE INTO person_devices (person, device_id, derived)
         SELECT $2, device_id, derived FROM person_devices WHERE person = $1",
        "DELETE FROM person_devices WHERE person = $1",
        "INSERT INTO sessions (person, session_id, first_event, last_event, events)
         SELECT $2, session_id, first_event, last_event, events FROM sessions WHERE person = $1
         ON CONFLICT (person, session_id) DO UPDATE SET
           first_event = min(first_event, excluded.first_event),
           last_event = max(last_event, excluded.last_event), events = events + excluded.events",
        "DELETE FROM sessions WHERE person = $1",
    ] {
        sqlx::query(statement)
            .bind(from)
            .bind(into)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Makes `person` the owner of the device.
pub(crate) async fn assign_device(
    connection: &mut SqliteConnection,
    device_id: &str,
    is_derived: bool,
    person: AmplitudeId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO devices (device_id, holder) VALUES ($1, $2)
         ON CONFLICT (device_id) DO UPDATE SET holder = excluded.holder",
    )
    .bind(device_id)
    .bind(person)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT OR IGNORE INTO person_devices (person, device_id, derived) VALUES ($1, $2, $3)")
        .bind(person)
        .bind(device_id)
        .bind(is_derived)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds one event to a session.
pub(crate) async fn add_to_session(
    connection: &mut SqliteConnection,
    person: AmplitudeId,
    session_id: i64,
    client_event_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sessions (person, session_id, first_event, last_event, events) VALUES ($1, $2, $3, $3, 1)
         ON CONFLICT (person, session_id) DO UPDATE SET
           first_event = min(first_event, excluded.first_event),
           last_event = max(last_event, excluded.last_event), events = events + 1",
    )
    .bind(person)
    .bind(session_id)
    .bind(client_event_ms)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn person(row: &SqliteRow) -> Result<PersonRecord, sqlx::Error> {
    Ok(PersonRecord {
        amplitude_id: row.try_get("amplitude_id")?,
        user_id: row.try_get("user_id")?,
        properties: object(&row.try_get::<String, _>("properties")?),
        pending: row
            .try_get::<Option<String>, _>("pending")?
            .map(|text| object(&text)),
        context: object(&row.try_get::<String, _>("context")?),
        num_events: row.try_get("num_events")?,
        purchases: row.try_get("purchases")?,
        revenue: row.try_get("revenue")?,
        first_used: row.try_get("first_used")?,
        last_used: row.try_get("last_used")?,
    })
}

/// Reads a stored JSON object. Invalid text (edited outside of this program) counts as an empty object.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn text(object: &Map<String, Value>) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}
