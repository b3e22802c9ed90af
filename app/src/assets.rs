//! URLs of the build's files. They name the build, so a browser may keep a file for ever: another build has other URLs.

use std::sync::Arc;

/// Where the files of this build are. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    root: Arc<str>,
}

impl Assets {
    /// The path of all builds' files.
    pub const PREFIX: &str = "/assets";

    /// Files of the build of that name: a digest of its files.
    pub fn of_build(build: &str) -> Self {
        Self {
            root: format!("{}/{build}", Self::PREFIX).into(),
        }
    }

    /// The URL of a file, by its path in the site's folder.
    pub fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.root)
    }

    /// The path below which the files are.
    pub fn root(&self) -> &str {
        &self.root
    }
}
