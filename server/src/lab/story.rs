//! What is left of a life that was lived: the events as the timeline reads them, and the verdict.

use app::lab::Story;
use backend::billing::inbox::InboxState;
use backend::timeline::ReadError;
use serde_json::{Map, Value};
use tracking::UserId;
use tracking::received::ReceivedEvent;
use tracking::verdict::Verdict;

use super::life::Step;
use super::moments::Disturbs;
use super::stage::{Stage, Trouble, until};
use super::stripe;
use super::switches::Switches;
use super::walk::{Pace, Person, Walk};

/// Somebody's story, read back.
#[derive(Clone, Debug)]
pub struct Lived {
    /// Who they are in the life.
    pub who: &'static str,
    /// Their account.
    pub user: UserId,
    /// What the rules say.
    pub verdict: Verdict,
    /// All that has arrived of theirs, in no order.
    pub events: Vec<ReceivedEvent>,
    /// Their properties in the end.
    pub properties: Map<String, Value>,
    /// What Stripe has taken of them, in minor units.
    pub ledger: i64,
}

impl From<Lived> for Story {
    fn from(lived: Lived) -> Self {
        Self {
            who: lived.who.to_owned(),
            user: lived.user.to_string(),
            verdict: lived.verdict,
        }
    }
}

impl Stage {
    /// Goes through a life, unhurried, and reads back each person's story once nothing is under way any more. Nobody else
    /// may be on the stage.
    ///
    /// # Errors
    /// The step that could not be done, or what did not happen in time.
    pub async fn live(&self, life: &[Step], disturbs: &dyn Disturbs) -> Result<Vec<Lived>, Trouble> {
        let switches = Switches::take(self).await?;
        let walk = Walk::new(self, disturbs, &switches, Pace::Unhurried, &|_| ());
        let lived = walk.live(life).await;
        switches.put_back().await;
        let mut stories = Vec::new();
        until("Stripe has sent every webhook".to_owned(), || async {
            Ok(stripe::has_nothing_to_send(self).await?.then_some(()))
        })
        .await?;
        until("every webhook is applied".to_owned(), || async {
            let waiting = self.backend.billing.inbox(Some(InboxState::Pending), 1).await;
            Ok(waiting.map_err(ReadError::from)?.is_empty().then_some(()))
        })
        .await?;
        for person in lived? {
            stories.push(self.story(&person).await?);
        }
        Ok(stories)
    }

    /// The story and its verdict, once nothing of theirs is on its way.
    pub(super) async fn story(&self, person: &Person) -> Result<Lived, Trouble> {
        for (&name, &owed) in &person.owed {
            until(format!("“{name}” has arrived"), || async move {
                let arrived = self.arrived(person.user, name).await?;
                Ok((arrived >= owed).then_some(()))
            })
            .await?;
        }
        let (timeline, user) = (&self.backend.timeline, person.user);
        until("nothing of theirs is on its way".to_owned(), || async move {
            let undelivered = timeline.facts(user).await?.undelivered;
            Ok(undelivered.is_empty().then_some(()))
        })
        .await?;
        let judged = timeline.analyze(&user.to_string()).await?;
        let (verdict, events) =
            judged.ok_or_else(|| Trouble::InVain(format!("anything has arrived under {user}")))?;
        for (&name, &owed) in &person.owed {
            let times = events.iter().filter(|event| event.name == name).count();
            if times != owed {
                return Err(Trouble::Count { name, times, owed });
            }
        }
        Ok(Lived {
            who: person.who,
            user,
            verdict,
            events,
            properties: self.properties_of(user).await?,
            ledger: stripe::ledger(self, &person.email).await?,
        })
    }

    async fn properties_of(&self, user: UserId) -> Result<Map<String, Value>, Trouble> {
        let timeline = &self.backend.timeline;
        let Some(person) = timeline.reader().find(&user.to_string()).await? else {
            return Ok(Map::new());
        };
        let person = timeline.activity(person, 0).await?.person.clone();
        Ok(person["properties"].as_object().cloned().unwrap_or_default())
    }
}
