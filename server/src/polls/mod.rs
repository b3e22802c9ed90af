//! Routes of polls that are no pages: the feed of the results, and their download.

mod live;
mod results_file;

pub(crate) use live::live;
pub(crate) use results_file::results_file;
