//! Reading the walk: whose it is, and how each step stands.

use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Json};
use serde::{Deserialize, Serialize};

use super::steps::{Stand, Step};

/// A walk, so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Whose it is.
    pub whose: Whose,
    /// Each step, in order.
    pub steps: Vec<(Step, Stand)>,
}

/// Whose walk it is: of whom events are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// The account that is signed in.
    Account(String),
    /// Nobody is signed in. The account that was, last, in this browser.
    Left(String),
    /// Nobody ever was: this device's.
    Device(String),
    /// Tracking is off, and nobody is signed in.
    Nobody,
}

impl Whose {
    /// The ID by which the story is found.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Account(id) | Self::Left(id) | Self::Device(id) => Some(id),
            Self::Nobody => None,
        }
    }
}

impl Walk {
    /// The first step that is not done, with its place among them from 1 on.
    pub fn next(&self) -> Option<(usize, Step, &Stand)> {
        let open = |(_, (_, stand)): &(usize, &(Step, Stand))| !matches!(stand, Stand::Done(_));
        let (place, (step, stand)) = self.steps.iter().enumerate().find(open)?;
        Some((place + 1, *step, stand))
    }

    /// How many are done.
    pub fn done(&self) -> usize {
        let done = |(_, stand): &&(Step, Stand)| matches!(stand, Stand::Done(_));
        self.steps.iter().filter(done).count()
    }
}

/// How the visitor's walk stands; `None` where there is no walk. A GET, because to look is not to do.
#[server(input = GetUrl, output = Json)]
pub async fn read_walk() -> Result<Option<Walk>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::reading::read(&visit).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot read a walk");
        ServerFnError::new("the walk cannot be read right now")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::steps::Begun;

    #[test]
    fn the_next_step_is_the_first_that_is_not_done() {
        let walk = Walk {
            whose: Whose::Nobody,
            steps: vec![
                (Step::SignUp, Stand::Begun(Begun::NoCheckout)),
                (Step::Trial, Stand::Open),
            ],
        };
        assert_eq!(
            walk.next().map(|(place, step, _)| (place, step)),
            Some((1, Step::SignUp))
        );
        assert_eq!(walk.done(), 0);
    }
}
