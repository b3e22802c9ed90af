//! The executables that the runs start.

use std::path::{Path, PathBuf};

/// Paths of the executables.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `seamline`.
    pub app: PathBuf,
    /// `amplitude-local`.
    pub collector: PathBuf,
    /// `stripe-local`.
    pub stripe: PathBuf,
}

impl Programs {
    /// Returns the paths in a folder that cargo builds into.
    pub fn in_folder(folder: &Path) -> Self {
        let program = |name: &str| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        Self {
            app: program("seamline"),
            collector: program("amplitude-local"),
            stripe: program("stripe-local"),
        }
    }
}
