//! What was just done, said where nothing else on the page says it. A form post leads to a page with `?done=`; what is done
//! by script says it itself. It stays until it is dismissed or the page is left: nobody has to read fast.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// What can have been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// An e-mail address is confirmed.
    Verified,
    /// A forgotten password is replaced.
    Reset,
    /// A password is changed.
    Password,
    /// A link to a new address is sent.
    Email,
    /// A link is sent again.
    Mail,
    /// A login elsewhere is ended.
    Ended,
    /// A poll is made.
    Created,
    /// A poll is edited.
    Edited,
    /// A poll is closed.
    Closed,
    /// A deleted poll is back.
    Restored,
}

impl Done {
    const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Verified, "verified", "Your address is confirmed."),
        (
            Self::Reset,
            "reset",
            "Your new password is set. Every browser was signed out; sign in with it now.",
        ),
        (
            Self::Password,
            "password",
            "Your password is changed. Every other browser was signed out.",
        ),
        (
            Self::Email,
            "email",
            "We have sent a link to your new address. Once you use it, the address is yours here.",
        ),
        (Self::Mail, "mail", "A new link is on its way to your address."),
        (Self::Ended, "ended", "Signed out there."),
        (
            Self::Created,
            "created",
            "Your poll is open. Share its link to collect votes.",
        ),
        (Self::Edited, "edited", "Your changes are saved."),
        (Self::Closed, "closed", "The poll is closed. Its results stay."),
        (Self::Restored, "restored", "The poll is back."),
    ];

    /// As it stands in `?done=`; `None` for what no page of ours says.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name, _)| *name == text)
            .map(|(done, ..)| *done)
    }

    fn sentence(self) -> &'static str {
        let row = Self::ALL.iter().find(|(done, ..)| *done == self);
        row.map_or("", |(_, _, sentence)| sentence)
    }
}

/// The one thing that is being said, if any.
#[derive(Clone, Copy)]
pub(crate) struct Toast {
    said: RwSignal<Option<Done>>,
    /// It was said by a page that is being left.
    carried: StoredValue<bool>,
}

impl Toast {
    /// Says it on this page.
    pub(crate) fn say(self, done: Done) {
        self.carried.set_value(false);
        self.said.set(Some(done));
    }

    /// Says it on the page that comes next.
    pub(crate) fn say_there(self, done: Done) {
        self.carried.set_value(true);
        self.said.set(Some(done));
    }
}

/// The page's toast. Inside a [`ToastArea`]'s app alone.
pub(crate) fn use_toast() -> Toast {
    expect_context()
}

/// Puts the toast into context; before any page.
pub(crate) fn provide_toast() {
    provide_context(Toast {
        said: RwSignal::new(None),
        carried: StoredValue::new(false),
    });
}

/// Where it is shown. The place is there from the start, so that screen readers hear what comes into it.
#[component]
pub(crate) fn ToastArea() -> impl IntoView {
    let Toast { said, carried } = use_toast();
    let query = use_query_map();
    let in_query =
        Memo::new(move |_| query.with(|query| query.get("done").and_then(|done| Done::parse(&done))));
    if let Some(done) = in_query.get_untracked() {
        said.set(Some(done));
    }
    let path = use_location().pathname;
    Effect::new(move |before: Option<(String, Option<Done>)>| {
        let here = (path.get(), in_query.get());
        match before {
            // What the document came with is said already.
            None => {}
            Some(before) if here.1.is_some() && before.1 != here.1 => said.set(here.1),
            Some(before) if before.0 != here.0 => {
                if carried.get_value() {
                    carried.set_value(false);
                } else {
                    said.set(here.1);
                }
            }
            Some(_) => {}
        }
        here
    });
    view! {
        <div class="toast-area" role="status">
            {move || {
                said.get().map(|done| {
                    view! {
                        <div class="toast">
                            <p>{done.sentence()}</p>
                            <button type="button" class="plain dismiss" aria-label="Dismiss" on:click=move |_| said.set(None)>
                                "✕"
                            </button>
                        </div>
                    }
                })
            }}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_sentences() {
        assert_eq!(Done::parse("reset"), Some(Done::Reset));
        assert_eq!(Done::parse("<script>"), None);
        for (done, name, sentence) in Done::ALL {
            assert_eq!((Done::parse(name), done.sentence()), (Some(done), sentence));
        }
    }
}
