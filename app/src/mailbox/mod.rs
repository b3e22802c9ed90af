//! The mailbox of local mode: a page with every mail that would have been sent. Where mails are sent, there is no such
//! page.

mod page;

pub use page::MailboxPage;
