//! What a poll has besides its pages: the feed of its results, and their download.

mod live;
mod results_file;

pub(crate) use live::live;
pub(crate) use results_file::results_file;
