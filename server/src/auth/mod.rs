//! Links of mails. The sign-in pages and their forms are the app's (`app::auth`).

pub(crate) mod mail_links;
