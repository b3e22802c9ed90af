//! Titles of the pages from which users cause server events. A test compares them with the rendered pages.
//!
//! A title with content of users is not in the table: events do not contain it.

const TITLES: [(&str, &str); 14] = [
    ("/", "Seamline: polls for teams, tracked in one timeline"),
    ("/sign-up", "Sign up · Seamline"),
    ("/sign-in", "Sign in · Seamline"),
    ("/verify", "Confirm your address · Seamline"),
    ("/reset", "Set a new password · Seamline"),
    ("/pricing", "Pricing · Seamline"),
    ("/billing", "Billing · Seamline"),
    ("/polls", "Your polls · Seamline"),
    ("/polls/new", "New poll · Seamline"),
    ("/settings", "Settings · Seamline"),
    ("/settings/delete", "Delete account · Seamline"),
    ("/privacy", "Privacy · Seamline"),
    ("/timeline", "Timeline · Seamline"),
    ("/walk", "Guided walk · Seamline"),
];

/// The title of the page at this path; `None` if it is not in the table.
pub fn page_title(path: &str) -> Option<&'static str> {
    let found = TITLES.iter().find(|(known, _)| *known == path);
    found.map(|(_, title)| *title)
}

/// The paths with a title.
pub fn titled_pages() -> impl Iterator<Item = &'static str> {
    TITLES.iter().map(|(path, _)| *path)
}
