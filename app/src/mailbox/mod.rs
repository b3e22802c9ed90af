//! The mailbox of local mode: a page with all mails. A server that sends mails does not have this page.

mod page;

pub use page::MailboxPage;
