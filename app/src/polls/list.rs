//! One's own polls.

use leptos::either::EitherOf4;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;

use super::api::{PollSummary, my_polls};

/// The list.
#[component]
pub fn PollsPage() -> impl IntoView {
    let polls = Resource::new_blocking(|| (), |()| my_polls());
    view! {
        <Title text="Your polls · Seamline" />
        <section class="page">
            <div class="page-head">
                <h1>"Your polls"</h1>
                <a class="button" href="/polls/new">"New poll"</a>
            </div>
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading your polls…"</p> }>
                {move || Suspend::new(async move {
                    match polls.await {
                        Ok(None) => EitherOf4::A(view! { <Redirect path="/sign-in?next=/polls" /> }),
                        Ok(Some(polls)) if polls.is_empty() => EitherOf4::B(view! { <NoPolls /> }),
                        Ok(Some(polls)) => EitherOf4::C(view! { <PollList polls /> }),
                        Err(_) => EitherOf4::D(view! {
                            <p class="fault banner" role="alert">
                                "Your polls cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn NoPolls() -> impl IntoView {
    view! {
        <div class="empty card">
            <h2>"No polls yet"</h2>
            <p>"Ask your team something: lunch, a date, the name of the next release."</p>
            <a class="button" href="/polls/new">"Make your first poll"</a>
        </div>
    }
}

#[component]
fn PollList(polls: Vec<PollSummary>) -> impl IntoView {
    let poll = |poll: PollSummary| {
        let kind = if poll.multiple_choice {
            "Several answers"
        } else {
            "One answer"
        };
        view! {
            <li class="card poll">
                <h2 dir="auto">{poll.question}</h2>
                <ul class="options">
                    {poll.options.into_iter().map(|option| view! { <li dir="auto">{option}</li> }).collect_view()}
                </ul>
                <p class="quiet">{kind}</p>
            </li>
        }
    };
    view! { <ul class="polls">{polls.into_iter().map(poll).collect_view()}</ul> }
}
