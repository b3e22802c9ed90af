//! The mailbox of local mode: every mail that would have been sent, as a mail program shows it. Where mails are sent, there
//! is no such page.

mod api;
mod page;

pub use page::MailboxPage;
