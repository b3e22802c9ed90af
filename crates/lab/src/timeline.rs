//! The timeline of a user after a scenario: events, verdict, user properties and payments.

use app::lab::UserResult;
use serde_json::{Map, Value};
use tracking::UserId;
use tracking::received::ReceivedEvent;
use tracking::verdict::Verdict;

use crate::environment::{LabEnvironment, wait_until};
use crate::error::ScenarioError;
use crate::scenario_run::ScenarioUser;
use crate::stripe;

/// The timeline of a user after a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioTimeline {
    /// Name of the user in the scenario.
    pub name: &'static str,
    /// The account.
    pub user: UserId,
    /// The verdict on the events.
    pub verdict: Verdict,
    /// All events that have arrived, in no order.
    pub events: Vec<ReceivedEvent>,
    /// The user properties at the end.
    pub properties: Map<String, Value>,
    /// The sum of the user's paid invoices at Stripe, in minor units.
    pub paid_minor: i64,
}

impl From<ScenarioTimeline> for UserResult {
    fn from(timeline: ScenarioTimeline) -> Self {
        Self {
            who: timeline.name.to_owned(),
            user: timeline.user.to_string(),
            verdict: timeline.verdict,
        }
    }
}

impl ScenarioTimeline {
    /// Waits until the user's events have been delivered, and reads them with their verdict. Fails if an event is there more
    /// or fewer times than expected.
    pub(crate) async fn read(
        environment: &LabEnvironment,
        user: &ScenarioUser,
    ) -> Result<Self, ScenarioError> {
        let (timeline, id) = (&environment.backend.timeline, user.user);
        for (&name, &expected) in &user.expected_events {
            wait_until(format!("“{name}” has arrived"), || async move {
                let arrived = environment.count_arrived(id, name).await?;
                Ok((arrived >= expected).then_some(()))
            })
            .await?;
        }
        wait_until("all events of the user are delivered".to_owned(), || async move {
            let undelivered = timeline.facts(id).await?.undelivered;
            Ok(undelivered.is_empty().then_some(()))
        })
        .await?;
        let analysis = timeline.analyze(&id.to_string()).await?;
        let (verdict, events) =
            analysis.ok_or_else(|| ScenarioError::Timeout(format!("an event of user {id} has arrived")))?;
        for (&name, &expected) in &user.expected_events {
            let found = events.iter().filter(|event| event.name == name).count();
            if found != expected {
                return Err(ScenarioError::EventCount {
                    name,
                    found,
                    expected,
                });
            }
        }
        Ok(Self {
            name: user.name,
            user: id,
            verdict,
            events,
            properties: user_properties(environment, id).await?,
            paid_minor: stripe::paid_minor(environment, &user.email).await?,
        })
    }
}

async fn user_properties(
    environment: &LabEnvironment,
    user: UserId,
) -> Result<Map<String, Value>, ScenarioError> {
    let timeline = &environment.backend.timeline;
    let Some(person) = timeline.find(&user.to_string()).await? else {
        return Ok(Map::new());
    };
    let person = timeline.activity(person, 0).await?.person.clone();
    Ok(person["properties"].as_object().cloned().unwrap_or_default())
}
