//! Session metrics over several users: stitched, and as they would be unstitched.

mod model;
mod page;
mod queries;

pub use page::SessionsPage;
